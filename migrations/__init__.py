"""The way from an empty database to `shared/db/tables.py`, one step at a time."""
