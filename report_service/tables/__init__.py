"""Conversion of stored tables to the formats that they are downloaded in; runs in child processes."""

from report_service.tables.forms import TableForm, write_table
from report_service.tables.workbook import LoggedStep

__all__ = ["LoggedStep", "TableForm", "write_table"]
