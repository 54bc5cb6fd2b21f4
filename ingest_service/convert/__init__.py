"""Conversion between values and messages of IngestService, without side effects."""
