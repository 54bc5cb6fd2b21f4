"""Reading delimited text with Arrow's reader, block by block, every cell as text."""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from os import SEEK_CUR
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from ingest_service.decoding.csv_rows import Row, read_rows
from ingest_service.decoding.dialect import in_usual_dialect
from ingest_service.decoding.header_detection import Layout, sniff_layout
from ingest_service.decoding.non_data_rows import HEADER_AGAIN, TOTALS, has_totals, repeats_header
from ingest_service.decoding.rejects import MOST_CHARACTERS, Rejects
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable

_BLOCK = 1 << 20
"""Bytes read at once: Arrow reserves a block for each column, and needs a row to fit into one."""
_LARGEST_BLOCK = 1 << 28
_MOST_BYTES = 4 * MOST_CHARACTERS


def read_csv(path: Path, options: ReadOptions) -> "CsvTable":
    """The table of a UTF-8 delimited file; without options the first row that fits the others holds the names.

    Raises:
        Unprocessable: there is no header, or a quote in it is never closed.
    """
    path, found = in_usual_dialect(path, options.delimiter)
    layout = sniff_layout(path, options)
    layout = replace(layout, notes=(*found, *layout.notes))
    start = 0
    for row in read_rows(path, layout.delimiter):
        if layout.header_row == 0 and row.cells:
            names = [""] * len(row.cells)
            return _table(path, layout, names, start)
        start += row.size
        if row.cells and row.line >= layout.header_row:
            return _table(path, layout, row.cells, start, line=row.line)
    raise Unprocessable("The file has no header.", reason="EMPTY_FILE")


def _table(path: Path, layout: Layout, names: Sequence[str], start: int, line: int = 0) -> "CsvTable":
    return CsvTable(
        path=path,
        delimiter=layout.delimiter,
        names=names,
        start=start,
        end=_end_of_text(path, start),
        header_row=line,
        notes=layout.notes,
    )


def _end_of_text(path: Path, start: int) -> int:
    """Where the line ends at the end of the file begin, but not before `start`."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while end > start:
            block_start = max(start, end - _BLOCK)
            file.seek(block_start)
            block = file.read(end - block_start).rstrip(b"\r\n")
            if block:
                return block_start + len(block)
            end = block_start
    return start


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """A delimited file whose header has been read. In a table of one column, a blank line is an empty cell."""

    path: Path
    delimiter: str
    names: Sequence[str]
    start: int
    """First byte after the header."""
    end: int
    """First byte after the last row."""
    header_row: int
    """The line of the header, from 1; 0 where there is none."""
    format: str = "csv"
    notes: Sequence[str] = ()

    def count_rows(self) -> int:
        """How many rows follow the header."""
        return sum(batch.num_rows for batch in self._read(only_last=True))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as text, null where nothing stood between the delimiters."""
        return self._read(only_last=False)

    def _read(self, *, only_last: bool) -> Iterator[pa.RecordBatch]:
        """The batches; from the beginning with a larger block where a row needs one, less the rows already given."""
        if self.start == self.end:
            return
        done, block = 0, _BLOCK
        while True:
            try:
                with closing(_Body(self.path, start=self.start, end=self.end, last_row=self._last_row())) as body:
                    opened = self._open(body, block, only_last=only_last)
                    for batch in _after(done, self._closed(batch for batch in opened if batch.num_rows)):
                        done += batch.num_rows
                        yield batch
                    return
            except pa.ArrowInvalid as error:
                block = self._larger_block(block, error)

    def _open(self, body: "_Body", block: int, *, only_last: bool) -> pacsv.CSVStreamingReader:
        names = [f"f{position}" for position in range(len(self.names))]
        return pacsv.open_csv(
            body,
            read_options=pacsv.ReadOptions(column_names=names, skip_rows=1, block_size=block, use_threads=False),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,  # known by now
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names[-1:] if only_last else names,  # an unclosed quote ends up in the last
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _last_row(self) -> bytes:
        """A row without values. Arrow reads an unclosed quote to the end and is silent, but then this row is gone."""
        return b"\n" + self.delimiter.encode() * (len(self.names) - 1) + b"\n"

    def _closed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches without that last row, or an error where it has been swallowed."""
        held = None
        for batch in batches:
            if held is not None:
                yield held
            held = batch
        if held is None or any(column[-1].is_valid for column in held.columns):
            self._longest_row()
            raise _unreadable()
        yield held.slice(0, held.num_rows - 1)

    def _larger_block(self, block: int, error: pa.ArrowInvalid) -> int:
        """Bytes that hold the longest row with room to spare, where that is what went wrong."""
        longest = self._longest_row()
        if "straddling" not in str(error) or block == _LARGEST_BLOCK:
            raise _unreadable()
        return min(2 * max(longest, block), _LARGEST_BLOCK)

    def _longest_row(self) -> int:
        """Bytes of it, or the error for the first row that does not fit the header."""
        return max(self._row_sizes())

    def _row_sizes(self) -> Iterator[int]:
        """Bytes of each row, until one does not fit the header."""
        width = len(self.names)
        for row in self._body_rows():
            if row.cells and len(row.cells) != width:
                raise _ragged(row.line, len(row.cells), width)
            yield row.size

    def _body_rows(self) -> Iterator[Row]:
        """The rows from the header on."""
        return (row for row in read_rows(self.path, self.delimiter) if row.line >= self.header_row)

    def has_furniture(self) -> bool:
        """Whether the header comes again further down, or the last line is one of totals; a quick look."""
        if self.start == self.end:
            return False
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            before = text.rfind(b"\n", 0, max(0, self.start - 1)) + 1
            header = text[before : self.start].rstrip(b"\r\n")
            again = self.header_row > 0 and text.find(b"\n" + header, self.start - 1, self.end) >= 0
            tail = text[max(self.start, self.end - _BLOCK) : self.end]
        last = tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :].decode("utf-8", "ignore")
        cells = [cell.strip('"') for cell in last.split(self.delimiter)]
        return again or (len(cells) == len(self.names) and has_totals(cells))

    def without_unfit_rows(self, ragged: Unprocessable | None = None) -> tuple["CsvTable", Rejects]:
        """The table of the rows that fit, and those that do not.

        Raises:
            Unprocessable: the given error, where most rows do not fit.
        """
        fitting, offset, rejects = 0, 0, Rejects()
        kept = self.path.with_name(f"{self.path.name}.kept")
        with self.path.open("rb") as file, kept.open("wb") as target:
            for row in read_rows(self.path, self.delimiter):
                file.seek(offset)
                offset += row.size
                text = file.read(row.size)
                reason = self._misfit(row, last=offset >= self.end)
                if reason is None:
                    target.write(text)
                    fitting += bool(row.cells)
                else:
                    rejects.add(row.line, reason, text[:_MOST_BYTES].decode("utf-8", "ignore").rstrip("\r\n"))
        if ragged is not None and rejects.count >= fitting - (self.header_row > 0):
            raise ragged
        return replace(self, path=kept, end=_end_of_text(kept, self.start)), rejects

    def _misfit(self, row: Row, *, last: bool) -> str | None:
        """Why a row is none of the table; None where it is, or stands above it."""
        if row.line <= self.header_row or not row.cells:
            return None
        if len(row.cells) != len(self.names):
            return _parting(len(row.cells), len(self.names))
        if self.header_row and repeats_header(row.cells, self.names):
            return HEADER_AGAIN
        return TOTALS if last and has_totals(row.cells) else None


class _Body:
    """What follows the header, as a file for Arrow: a line end to skip, the rows, and one row more.

    Skipping a line end keeps Arrow from taking U+FEFF in the first cell for a byte order mark. No block ends between
    CR and LF, because Arrow drops the LF there, even inside quotes.
    """

    def __init__(self, path: Path, *, start: int, end: int, last_row: bytes) -> None:
        self._file = path.open("rb")
        self._first = b"\n" if start == 0 else b""
        self._file.seek(max(0, start - 1))
        self._left = end - max(0, start - 1)
        self._last_row = last_row

    @property
    def closed(self) -> bool:
        """As files have it."""
        return self._file.closed

    def close(self) -> None:
        """As files have it."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """The next block, of at most `size` bytes; empty at the end."""
        if self._first:
            block, self._first = self._first, b""
            return block
        block = self._file.read(min(size, self._left))
        if block.endswith(b"\r") and 1 < len(block) < self._left:
            block = block[:-1]
            self._file.seek(-1, SEEK_CUR)
        self._left -= len(block)
        if not block:
            block, self._last_row = self._last_row, b""
        return block


def _after(done: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches without their first `done` rows."""
    for batch in batches:
        rest = batch.slice(min(done, batch.num_rows))
        done -= batch.num_rows - rest.num_rows
        if rest.num_rows:
            yield rest


def _ragged(line: int, fields: int, width: int) -> Unprocessable:
    column = min(fields, width) + 1
    return Unprocessable(
        f"Line {line} has {_parting(fields, width)} (column {column} is where they part).",
        reason="RAGGED_ROW",
        metadata={"line": str(line), "column": str(column)},
    )


def _unreadable() -> Unprocessable:
    return Unprocessable("The file can't be read as CSV.", reason="UNREADABLE_FILE")


def _parting(fields: int, width: int) -> str:
    return f"{_fields(fields)} where the header has {_fields(width)}"


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count:,} fields"
