"""Row-by-row reader of delimited text, with line numbers for error messages."""

import contextlib
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from shared.errors import Unprocessable

_SAMPLE_ROWS = 200
HEADER_BYTES = 1 << 20
"""The header begins within so many bytes; blank lines before it cost time."""
_MAX_FIELD_CHARACTERS = 64 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\r|\n")


class Row(NamedTuple):
    """A row; a blank line has no cells."""

    cells: list[str]
    line: int
    """The line where the row begins, from 1."""
    size: int
    """Length in bytes, including the line end."""
    unclosed_quote: int | None
    """The line of a quote that is never closed, so that this row contains the rest of the file; else None."""


class _LineReader:
    """An iterator over the lines of a file for `csv.reader`; it counts the bytes read so far."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.size = 0
        self.at_end = False

    def __iter__(self) -> "_LineReader":
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            self.at_end = True
            raise StopIteration
        self.size += len(line) if line.isascii() else len(line.encode())
        return line


def read_rows(path: Path, delimiter: str) -> Iterator[Row]:
    """Yield the rows of a UTF-8 file.

    Raises:
        Unprocessable: a quote is never closed, or a cell is too long; the error names the line.
    """
    for row in _scan_rows(path, delimiter):
        if row.unclosed_quote is not None:
            raise _unclosed_quote_error(row.unclosed_quote)
        yield row


def _scan_rows(path: Path, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    with path.open(encoding="utf-8", newline="") as file:
        lines = _LineReader(file)
        reader = csv.reader(lines, delimiter=delimiter)
        line, offset = 1, 0
        while (cells := _next_cells(reader, line)) is not None:
            # At the end of the file, csv.reader asks for another line only if a quote is still open.
            unclosed = reader.line_num - _count_lines(cells[-1]) + 1 if lines.at_end else None
            yield Row(cells, line, lines.size - offset, unclosed)
            line, offset = reader.line_num + 1, lines.size


def _next_cells(reader: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error:
        raise Unprocessable(
            f"The row that begins in line {line} has a cell of more than {_MAX_FIELD_CHARACTERS:,} characters. "
            "Is a quote left unclosed?",
            reason="UNREADABLE_FILE",
            metadata={"line": str(line)},
        ) from None


def _count_lines(cell: str) -> int:
    """Return the number of lines that an unclosed cell spans."""
    line_ends = len(_LINE_END.findall(cell))
    return line_ends if cell.endswith(("\r", "\n")) else line_ends + 1


def _unclosed_quote_error(line: int) -> Unprocessable:
    """Return the error for a quote that is never closed."""
    return Unprocessable(
        f"The quote that opens in line {line} is never closed.",
        reason="UNCLOSED_QUOTE",
        metadata={"line": str(line)},
    )


def sample_rows(path: Path, delimiter: str) -> Iterator[Row]:
    """Yield the first rows that are not blank, up to the first that can't be read or lies too far from the start."""
    rows, size = 0, 0
    # The error is raised again when the whole file is read with the chosen delimiter.
    with contextlib.suppress(Unprocessable):
        for row in _scan_rows(path, delimiter):
            if row.cells:
                yield row
                rows += 1
            size += row.size
            if rows == _SAMPLE_ROWS or size > HEADER_BYTES:
                return
