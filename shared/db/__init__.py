"""PostgreSQL, the source of truth: tables, sessions, and one repository per aggregate.

Every SQL statement of the services belongs here. Decisions about data preparation, and the schema's history
(`migrations/`), do not.
"""
