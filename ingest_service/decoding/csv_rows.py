"""Row-by-row reader of delimited text, with line numbers for error messages."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from shared.errors import Unprocessable

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_SAMPLE_ROWS = 200
HEADER_BYTES = 1 << 20
"""The header begins within so many bytes; blank lines before it cost time."""
_MAX_FIELD_CHARACTERS = 64 * 1024 * 1024
_MAX_CELL_CHARACTERS = 1 << 20
"""A quote that is not closed within so many characters is a stray one, in a file with odd rows."""
_MAX_LOOK_AHEAD_CHARACTERS = 1 << 23
"""Characters that are read more than once in search of the ends of stray quotes; then they are not searched for."""
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


def csv_reader(lines: Iterable[str], delimiter: str, **options: Any) -> "CsvReader":
    """Return `csv.reader` for cells of any length that is accepted; its own limit is for the whole process, and low."""
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    return csv.reader(lines, delimiter=delimiter, **options)


def csv_writer(file: Any, delimiter: str = ",") -> Any:
    """Return `csv.writer` for the standard dialect; with lines that end in CR LF it quotes a CR within a cell."""
    return csv.writer(file, delimiter=delimiter, lineterminator="\r\n")


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
    with path.open(encoding="utf-8", newline="") as file:
        lines = _LineReader(file)
        reader = csv_reader(lines, delimiter)
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


class LooseRow(NamedTuple):
    """A row of a file whose quotes may not be paired; a blank line has no cells."""

    cells: list[str]
    line: int
    """The line where the row begins, from 1."""
    text: str
    """The text of the row, including the line end."""
    has_stray_quote: bool
    """True if a quote opens in its line that belongs to no cell of the table."""


def read_rows_loosely(path: Path, delimiter: str, *, width: int, start: int) -> Iterator[LooseRow]:
    """Yield the rows of a UTF-8 file; a quote that is never closed spoils its own line alone.

    A cell may run over several lines if its quote is closed and the row is as wide as the table.

    Args:
        path: the file.
        delimiter: the separator of cells.
        width: the number of columns.
        start: offset of the first row, in bytes.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = _Lines(file)
        while lines.size < start and lines.take():
            pass
        budget = _MAX_LOOK_AHEAD_CHARACTERS
        while first := lines.take():
            line = lines.number
            cells, closed = _parse(iter((first,)), delimiter)
            if closed:
                yield LooseRow(cells, line, first, has_stray_quote=False)
                continue
            ahead = _LookAhead(lines, first, limit=min(budget, _MAX_CELL_CHARACTERS))
            cells, closed = _parse(ahead, delimiter)
            is_split = first.rstrip("\r\n").count(delimiter) + 1 == width
            if closed and (len(cells) == width or not is_split):
                yield LooseRow(cells, line, "".join(ahead.taken), has_stray_quote=False)
                continue
            budget -= sum(map(len, ahead.taken))
            lines.give_back(ahead.taken[1:])
            yield LooseRow([first], line, first, has_stray_quote=True)


def _parse(lines: Iterator[str], delimiter: str) -> tuple[list[str], bool]:
    """Return the cells of the first row, and whether the lines sufficed to close its quotes."""
    ended = False

    def until_end() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True  # csv.reader asks for one line more only while a quote is open

    try:
        cells = next(csv_reader(until_end(), delimiter), [])
    except csv.Error:
        return [], False
    return cells, not ended


class _Lines:
    """The lines of a file, some of which may be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._returned: deque[str] = deque()
        self.number = 0
        """The number of the line that was taken last, from 1."""
        self.size = 0
        """The bytes of all lines that were taken."""

    def take(self) -> str:
        """Return the next line; empty at the end."""
        line = self._returned.popleft() if self._returned else self._file.readline()
        if line:
            self.number += 1
            self.size += len(line.encode())
        return line

    def give_back(self, lines: list[str]) -> None:
        """Let lines that were taken last be taken again."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)
        self.size -= sum(len(line.encode()) for line in lines)


class _LookAhead:
    """An iterator over the lines from one on, which ends after so many characters."""

    def __init__(self, lines: _Lines, first: str, *, limit: int) -> None:
        self._lines = lines
        self._first = first
        self._limit = limit
        self.taken: list[str] = []

    def __iter__(self) -> "_LookAhead":
        return self

    def __next__(self) -> str:
        line = self._lines.take() if self.taken else self._first
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._limit -= len(line)
        if self._limit < 0 and len(self.taken) > 1:
            raise StopIteration
        return line


def sample_rows(path: Path, delimiter: str) -> Iterator[LooseRow]:
    """Yield the first rows that are not blank, up to the first that lies too far from the start."""
    rows, size = 0, 0
    for row in read_rows_loosely(path, delimiter, width=-1, start=0):
        if row.cells:
            yield row._replace(cells=row.text.rstrip("\r\n").split(delimiter)) if row.has_stray_quote else row
            rows += 1
        size += len(row.text)
        if rows == _SAMPLE_ROWS or size > HEADER_BYTES:
            return
