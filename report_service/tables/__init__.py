"""Conversion of stored tables to the formats that they are downloaded in; runs in child processes."""

from report_service.tables.forms import write_table

__all__ = ["write_table"]
