"""Reader of delimited text that uses Arrow block by block and keeps every cell as text."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from os import SEEK_CUR
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from ingest_service.decoding.comments import drop_comments
from ingest_service.decoding.csv_rows import HEADER_BYTES, Row, read_rows
from ingest_service.decoding.dialect import to_standard_dialect
from ingest_service.decoding.header_detection import Layout, detect_layout
from ingest_service.decoding.stacked_tables import keep_one_table
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable

_BLOCK_BYTES = 1 << 20
"""Bytes read at once. Arrow allocates a block for each column, and a row has to fit into a block."""
_MAX_BLOCK_BYTES = 1 << 28


def read_csv(path: Path, options: ReadOptions) -> "CsvTable":
    """Return the table of a UTF-8 delimited file; the options override what is detected.

    Raises:
        Unprocessable: there is no header, or a quote in it is never closed.
    """
    path, comment_notes, comments = drop_comments(path, options.delimiter)
    path, dialect_notes = to_standard_dialect(path, options.delimiter)
    path, table_notes = keep_one_table(path, options, comments)
    layout = detect_layout(path, options)
    layout = replace(layout, notes=(*comment_notes, *dialect_notes, *table_notes, *layout.notes))
    start, names, line = 0, layout.names, 0
    for row in read_rows(path, layout.delimiter):
        if names is not None and line and row.line >= layout.first_line:
            return _build_table(path, layout, names, start, line=line)
        if layout.header_row == 0 and row.cells and row.line >= layout.first_line:
            return _build_table(path, layout, [""] * len(row.cells), start)
        start += row.size
        if row.cells and row.line >= layout.header_row and not line:
            line, names = row.line, names or row.cells
            if not layout.first_line:
                break
        if start > HEADER_BYTES and row.line >= layout.header_row:
            break
    if names is not None and line:
        return _build_table(path, layout, names, start, line=line)
    raise Unprocessable("The file has no header.", reason="EMPTY_FILE")


def _build_table(path: Path, layout: Layout, names: Sequence[str], start: int, line: int = 0) -> "CsvTable":
    return CsvTable(
        path=path,
        delimiter=layout.delimiter,
        names=names,
        start=start,
        end=find_end(path, start),
        header_row=line,
        notes=layout.notes,
    )


def find_end(path: Path, start: int) -> int:
    """Return the offset after the last character that is no line end, but at least `start`."""
    end = path.stat().st_size
    with path.open("rb") as file:
        while end > start:
            block_start = max(start, end - _BLOCK_BYTES)
            file.seek(block_start)
            block = file.read(end - block_start).rstrip(b"\r\n")
            if block:
                return block_start + len(block)
            end = block_start
    return start


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """A delimited file whose header has been read.

    In a table of a single column, a blank line is an empty cell.
    """

    path: Path
    delimiter: str
    names: Sequence[str]
    start: int
    """Offset of the first byte after the header."""
    end: int
    """Offset of the first byte after the last row."""
    header_row: int
    """The line of the header, from 1; 0 if there is none."""
    format: str = "csv"
    notes: Sequence[str] = ()
    is_cut: bool = False
    """True if rows beyond the limit were left out."""

    def count_rows(self) -> int:
        """Return the number of rows after the header.

        Raises:
            Unprocessable: a row does not fit the header.
        """
        return sum(batch.num_rows for batch in self._read_batches(only_last=True))

    def count_line_ends(self) -> int:
        """Return the number of line feeds between the header and the end of the last row."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            left, lines = self.end - self.start, 0
            while block := file.read(min(left, _BLOCK_BYTES)):
                lines += block.count(b"\n")
                left -= len(block)
        return lines

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as text; an empty unquoted cell is null.

        Raises:
            Unprocessable: a row does not fit the header.
        """
        return self._read_batches(only_last=False)

    def _read_batches(self, *, only_last: bool) -> Iterator[pa.RecordBatch]:
        """Yield the batches.

        If a row does not fit into a block, reading starts again with a larger block and skips the rows already yielded.
        """
        if self.start == self.end:
            return
        rows_read, block_size = 0, _BLOCK_BYTES
        while True:
            try:
                with closing(self._open_body()) as body:
                    reader = self._open_reader(body, block_size, only_last=only_last)
                    batches = self._without_end_marker(batch for batch in reader if batch.num_rows)
                    for batch in _skip_rows(rows_read, batches):
                        rows_read += batch.num_rows
                        yield batch
                    return
            except pa.ArrowInvalid as error:
                block_size = self._larger_block(block_size, error)

    def _open_body(self) -> "_BodyFile":
        return _BodyFile(self.path, start=self.start, end=self.end, end_marker_row=self._end_marker_row())

    def _open_reader(self, body: "_BodyFile", block_size: int, *, only_last: bool) -> pacsv.CSVStreamingReader:
        names = [f"f{position}" for position in range(len(self.names))]
        return pacsv.open_csv(
            body,
            read_options=pacsv.ReadOptions(column_names=names, skip_rows=1, block_size=block_size, use_threads=False),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,  # The encoding has been checked before.
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names[-1:] if only_last else names,  # An unclosed quote ends up in the last column.
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _end_marker_row(self) -> bytes:
        """Return a row without values that marks the end of the file.

        Arrow reads an unclosed quote to the end of the file without an error, and then this row is missing.
        """
        return b"\n" + self.delimiter.encode() * (len(self.names) - 1) + b"\n"

    def _without_end_marker(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches without the end marker row.

        Raises:
            Unprocessable: the end marker row is missing.
        """
        previous = None
        for batch in batches:
            if previous is not None:
                yield previous
            previous = batch
        if previous is None or any(column[-1].is_valid for column in previous.columns):
            self._longest_row()
            raise _unreadable_error()
        yield previous.slice(0, previous.num_rows - 1)

    def _larger_block(self, block_size: int, error: pa.ArrowInvalid) -> int:
        """Return a block size in bytes that holds the longest row.

        Raises:
            Unprocessable: the error has another cause than the block size.
        """
        longest = self._longest_row()
        if "straddling" not in str(error) or block_size == _MAX_BLOCK_BYTES:
            raise _unreadable_error()
        return min(2 * max(longest, block_size), _MAX_BLOCK_BYTES)

    def _longest_row(self) -> int:
        """Return the length of the longest row in bytes.

        Raises:
            Unprocessable: a row does not fit the header.
        """
        return max(self._row_sizes())

    def _row_sizes(self) -> Iterator[int]:
        """Yield the length of each row in bytes.

        Raises:
            Unprocessable: a row does not fit the header.
        """
        width = len(self.names)
        for row in self._body_rows():
            if row.cells and len(row.cells) != width:
                raise _ragged_row_error(row.line, len(row.cells), width)
            yield row.size

    def _body_rows(self) -> Iterator[Row]:
        """Yield the rows after the header, whose names may be more than its cells."""
        offset = 0
        for row in read_rows(self.path, self.delimiter):
            if offset >= self.start:
                yield row
            offset += row.size


class _BodyFile:
    """A file for Arrow: a line end to skip, the rows after the header, the end marker row.

    Skipping a line end keeps Arrow from taking U+FEFF in the first cell for a byte order mark. No block ends between
    CR and LF, because Arrow drops the LF there, even inside quotes.
    """

    def __init__(self, path: Path, *, start: int, end: int, end_marker_row: bytes) -> None:
        self._file = path.open("rb")
        self._line_end = b"\n" if start == 0 else b""
        self._file.seek(max(0, start - 1))
        self._bytes_left = end - max(0, start - 1)
        self._end_marker_row = end_marker_row

    @property
    def closed(self) -> bool:
        """True if the file is closed."""
        return self._file.closed

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return the next block, of at most `size` bytes; empty at the end."""
        if self._line_end:
            block, self._line_end = self._line_end, b""
            return block
        block = self._file.read(min(size, self._bytes_left))
        if block.endswith(b"\r") and 1 < len(block) < self._bytes_left:
            block = block[:-1]
            self._file.seek(-1, SEEK_CUR)
        self._bytes_left -= len(block)
        if not block:
            block, self._end_marker_row = self._end_marker_row, b""
        return block


def _skip_rows(count: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches without their first `count` rows."""
    for batch in batches:
        rest = batch.slice(min(count, batch.num_rows))
        count -= batch.num_rows - rest.num_rows
        if rest.num_rows:
            yield rest


def _ragged_row_error(line: int, fields: int, width: int) -> Unprocessable:
    column = min(fields, width) + 1
    return Unprocessable(
        f"Line {line} has {field_count_mismatch(fields, width)} (column {column} is where they part).",
        reason="RAGGED_ROW",
        metadata={"line": str(line), "column": str(column)},
    )


def _unreadable_error() -> Unprocessable:
    return Unprocessable("The file can't be read as CSV.", reason="UNREADABLE_FILE")


def field_count_mismatch(fields: int, width: int) -> str:
    """Return what is wrong with a row of so many cells."""
    return f"{_format_fields(fields)} where the header has {_format_fields(width)}"


def _format_fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count:,} fields"
