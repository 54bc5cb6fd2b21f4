"""Schema migrations: the steps from an empty database to `shared/db/tables.py`, run by Alembic.

Only changes of the schema, and of rows that a change of the schema makes wrong, belong here. A revision that was
released is never edited in what it does, and imports nothing of the services.
"""
