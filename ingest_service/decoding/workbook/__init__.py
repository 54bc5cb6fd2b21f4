"""Reader of Excel and OpenDocument workbooks."""

from ingest_service.decoding.workbook.reader import ReadWorkbook, detect_format, read_workbook

__all__ = ["ReadWorkbook", "detect_format", "read_workbook"]
