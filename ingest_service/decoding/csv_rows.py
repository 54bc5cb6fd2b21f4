"""The rows of delimited text one by one, with their places in the file: for its head, and to explain what is wrong."""

import contextlib
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from shared.errors import Unprocessable

_SAMPLE_ROWS = 200
_FIELD_CHARACTERS = 64 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\r|\n")


class Row(NamedTuple):
    """One row; a blank line has no cells."""

    cells: list[str]
    line: int
    """Where it begins, from 1."""
    size: int
    """Bytes of it, line end included."""
    unclosed_quote: int | None
    """The line where a quote opens that is never closed; then this row has swallowed the rest of the file."""


class _Lines:
    """The lines of a text for `csv.reader`, which asks for one only when it needs it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.size = 0
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            self.ended = True
            raise StopIteration
        self.size += len(line) if line.isascii() else len(line.encode())
        return line


def read_rows(path: Path, delimiter: str) -> Iterator[Row]:
    """The rows of a UTF-8 file.

    Raises:
        Unprocessable: a quote is never closed, or a cell is beyond all measure; says the line.
    """
    for row in _scan(path, delimiter):
        if row.unclosed_quote is not None:
            raise _unclosed(row.unclosed_quote)
        yield row


def _scan(path: Path, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_FIELD_CHARACTERS)
    with path.open(encoding="utf-8", newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter)
        line, offset = 1, 0
        while (cells := _next(reader, line)) is not None:
            # Having all lines, the reader asks for one more only inside quotes.
            unclosed = reader.line_num - _spanned(cells[-1]) + 1 if lines.ended else None
            yield Row(cells, line, lines.size - offset, unclosed)
            line, offset = reader.line_num + 1, lines.size


def _next(reader: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error:
        raise Unprocessable(
            f"The row that begins in line {line} has a cell of more than {_FIELD_CHARACTERS:,} characters. "
            "Is a quote left unclosed?",
            reason="UNREADABLE_FILE",
            metadata={"line": str(line)},
        ) from None


def _spanned(cell: str) -> int:
    """How many lines of the file an unclosed cell takes."""
    ends = len(_LINE_END.findall(cell))
    return ends if cell.endswith(("\r", "\n")) else ends + 1


def _unclosed(line: int) -> Unprocessable:
    """The error for a quote that swallows the rest of the file."""
    return Unprocessable(
        f"The quote that opens in line {line} is never closed.",
        reason="UNCLOSED_QUOTE",
        metadata={"line": str(line)},
    )


def sample_rows(path: Path, delimiter: str) -> Iterator[Row]:
    """The first rows that are not blank, as far as they can be read."""
    rows = (row for row in _scan(path, delimiter) if row.cells)
    with contextlib.suppress(Unprocessable):  # said again when the file is read with the delimiter that is chosen
        yield from islice(rows, _SAMPLE_ROWS)
