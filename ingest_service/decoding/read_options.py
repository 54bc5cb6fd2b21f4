"""What the uploader said about how a file is to be read."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choices:
    """None means that the reader finds out for itself."""

    delimiter: str | None = None
    """What stands between two cells: one character."""
    encoding: str | None = None
    """A character encoding that Python knows."""
    header_row: int | None = None
    """The line in which the header begins, from 1; 0 where the file has none."""
    sheet: str | None = None
    """The name of a sheet of a workbook, or its number from 1."""
