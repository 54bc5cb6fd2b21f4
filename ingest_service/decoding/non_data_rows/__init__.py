"""Rows of a file that are not data: how they are found. What happens to them is up to the readers."""

from ingest_service.decoding.non_data_rows.search import NON_DATA_REASONS, NonDataRows, find_non_data_rows

__all__ = ["NON_DATA_REASONS", "NonDataRows", "find_non_data_rows"]
