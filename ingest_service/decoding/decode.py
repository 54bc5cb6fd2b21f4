"""Decoding of a file: detect its format, read it, check the limits, write it as Arrow."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

import pyarrow as pa

from ingest_service.decoding import columnar, workbook
from ingest_service.decoding.csv_table import CsvTable, read_csv
from ingest_service.decoding.decompress import decompress
from ingest_service.decoding.encoding_detection import Utf8Text, as_utf8
from ingest_service.decoding.json_table import read_json, read_json_lines
from ingest_service.decoding.names import repair_names
from ingest_service.decoding.non_data_rows import NON_DATA_REASONS, find_non_data_rows
from ingest_service.decoding.rejects import Rejects
from ingest_service.decoding.row_fitting import fit_rows
from ingest_service.decoding.swallowed_rows import find_swallowed_rows
from ingest_service.decoding.table_reader import TableReader
from shared.contracts.run_options import ReadOptions
from shared.errors import LimitExceeded, Unprocessable

_JSON_LINES_SUFFIXES = {".jsonl", ".ndjson"}
_OTHER_FIELD_COUNT = "another number of cells than the header"
_TEXT_SUFFIXES = {".csv", ".tsv", ".tab", ".txt"}


@dataclass(frozen=True)
class Limits:
    """The size of the largest table accepted."""

    max_rows: int
    max_columns: int


@dataclass(frozen=True, kw_only=True)
class ParsePlan:
    """The way a file was read as a table; the field names are those of the protobuf contract."""

    format: str
    encoding: str = ""
    delimiter: str = ""
    compression: str = ""
    header_row: int | None = None
    """The line (in a sheet: the row) of the header, from 1; 0 for none; None if the format has no header."""
    sheet: str = ""
    rejected_rows: int = 0
    mended_rows: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decoded(ParsePlan):
    """The shape of a decoded table, and the way it was read."""

    rows: int
    columns: tuple[str, ...]

    def parse_plan(self) -> dict[str, object]:
        """Return the fields of the parse plan as JSON values; no mended rows are not mentioned."""
        plan = {field.name: getattr(self, field.name) for field in fields(ParsePlan)}
        return {name: value for name, value in plan.items() if value or name != "mended_rows"}


@dataclass(frozen=True)
class _OpenedTable:
    """A table before its rows are read."""

    reader: TableReader
    encoding: str = ""
    header_row: int | None = None
    sheet: str = ""
    notes: tuple[str, ...] = ()
    rejects: Rejects = field(default_factory=Rejects)


def decode_file(
    source: Path, filename: str, target: Path, limits: Limits, options: ReadOptions | None = None
) -> Decoded:
    """Decode `source` and write its table to `target` as an Arrow IPC file (lz4).

    Every column of a delimited file is text, and an empty unquoted cell is null; other formats keep their types. Rows
    that do not fit the header are written to `rejects.parquet` beside the target, if there are any.

    Raises:
        Unprocessable: the file is not a table; the error names line and column where they are known.
        LimitExceeded: the table has too many rows or columns, or the decompressed file is too large.
    """
    if source.stat().st_size == 0:
        raise Unprocessable("The file is empty.", reason="EMPTY_FILE")
    decompressed = decompress(source, filename)
    opened = _open(decompressed.path, decompressed.filename, options or ReadOptions(), max_rows=limits.max_rows)
    reader = opened.reader
    if len(reader.names) > limits.max_columns:
        raise _limit_error(limits, reader.count_rows(), len(reader.names))
    names, name_notes = repair_names(reader.names)
    rows, rejects, row_notes = _write_accepted_rows(reader, names, target, limits)
    rejects = rejects if rejects.lines else opened.rejects
    if rejects.lines:
        rejects.write(target.with_name("rejects.parquet"))
    return Decoded(
        rows=rows,
        columns=tuple(names),
        format=reader.format,
        encoding=opened.encoding,
        delimiter=reader.delimiter,
        compression=decompressed.compression,
        header_row=opened.header_row,
        sheet=opened.sheet,
        rejected_rows=rejects.count,
        mended_rows=rejects.mended,
        notes=(*decompressed.notes, *opened.notes, *reader.notes, *_rejects_note(rejects), *row_notes, *name_notes),
    )


def _open(path: Path, filename: str, options: ReadOptions, *, max_rows: int) -> _OpenedTable:
    if path.stat().st_size == 0:
        raise Unprocessable("The file is empty.", reason="EMPTY_FILE")
    file_format = columnar.detect_format(path)
    if file_format:
        return _OpenedTable(columnar.read_columnar(path, file_format))
    file_format = workbook.detect_format(path, filename)
    if file_format:
        book = workbook.read_workbook(path, file_format, options)
        return _OpenedTable(book.table, header_row=book.header_row, sheet=book.sheet, rejects=book.rejects)
    text = as_utf8(path, options.encoding, likely=options.likely_encoding)
    reader = _read_text(text, filename, options, max_rows=max_rows)
    header_row = reader.header_row if isinstance(reader, CsvTable) else None
    return _OpenedTable(reader, encoding=text.encoding, header_row=header_row, notes=text.notes)


def _read_text(text: Utf8Text, filename: str, options: ReadOptions, *, max_rows: int) -> TableReader:
    suffix = Path(filename.lower()).suffix
    delimited = options.delimiter is not None or options.header_row is not None
    if suffix in _JSON_LINES_SUFFIXES and not delimited:
        return read_json_lines(text.path, max_rows=max_rows, key=options.sheet)
    if suffix == ".json" or (suffix not in _TEXT_SUFFIXES and not delimited and text.head.lstrip()[:1] in {"{", "["}):
        return read_json(text.path, max_rows=max_rows, key=options.sheet)
    return read_csv(text.path, options)


def _write_accepted_rows(
    reader: TableReader, names: list[str], target: Path, limits: Limits
) -> tuple[int, Rejects, tuple[str, ...]]:
    """Write the rows of the table; return their number, the rejected rows, and notes about rows left in."""
    if not isinstance(reader, CsvTable):
        return _write_rows(reader, names, target, limits), Rejects(), ()
    rows, rejects = _write_fitting_rows(reader, names, target, limits)
    swallowed = find_swallowed_rows(reader, _read_batches(target), rows=rows)
    non_data = find_non_data_rows(lambda: _read_batches(target), reader.names if reader.header_row else ())
    if non_data.roles:
        accepted, rejects = fit_rows(reader, max_rows=limits.max_rows, non_data=non_data.roles)
        rows = _write_rows(accepted, names, target, limits)
    return rows, rejects, (*swallowed, *non_data.notes)


def _write_fitting_rows(reader: CsvTable, names: list[str], target: Path, limits: Limits) -> tuple[int, Rejects]:
    """Write the rows that fit the header; return their number, and the others."""
    try:
        return _write_rows(reader, names, target, limits), Rejects()
    except Unprocessable as error:
        if error.reason not in ("RAGGED_ROW", "UNCLOSED_QUOTE"):
            raise
        accepted, rejects = fit_rows(reader, max_rows=limits.max_rows, error=error)
        return _write_rows(accepted, names, target, limits), rejects


def read_column_names(path: Path) -> tuple[str, ...]:
    """Return the columns of a decoded table."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return tuple(reader.schema.names)


def _read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow IPC file."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _rejects_note(rejects: Rejects) -> tuple[str, ...]:
    """Return a note with the number of rejected rows and the reasons."""
    left_out = [reason for reason, is_mended in zip(rejects.reasons, rejects.are_mended, strict=True) if not is_mended]
    reasons = Counter(reason if reason in NON_DATA_REASONS else _OTHER_FIELD_COUNT for reason in left_out)
    listed = ", ".join(f"{reason} ({count:,})" if len(reasons) > 1 else reason for reason, count in reasons.items())
    rows = "1 row was" if rejects.count == 1 else f"{rejects.count:,} rows were"
    notes = [f"{rows} left out: {listed}; see the rejects."] if rejects.count else []
    if rejects.mended:
        were = "1 row was mended that has" if rejects.mended == 1 else f"{rejects.mended:,} rows were mended that have"
        notes.append(f"{were} {_OTHER_FIELD_COUNT}; see the rejects.")
    return tuple(notes)


def _write_rows(reader: TableReader, names: list[str], target: Path, limits: Limits) -> int:
    """Write the batches with their final column names and return the number of rows.

    Rows beyond the limit are only counted, for the error message.
    """
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    rows = 0
    writer = None
    with contextlib.ExitStack() as stack:
        for batch in reader.batches():
            rows += batch.num_rows
            if rows > limits.max_rows:
                continue
            batch = batch.rename_columns(names)
            if writer is None:
                sink = stack.enter_context(pa.OSFile(str(target), "wb"))
                writer = stack.enter_context(pa.ipc.new_file(sink, batch.schema, options=options))
            writer.write_batch(batch)
    if rows == 0:
        raise Unprocessable("The file has a header but no rows.", reason="NO_ROWS")
    if rows > limits.max_rows:
        raise _limit_error(limits, rows, len(names), is_cut=reader.is_cut)
    return rows


def _limit_error(limits: Limits, rows: int, columns: int, *, is_cut: bool = False) -> LimitExceeded:
    more = "more than " if is_cut else ""
    size = _format_size(limits.max_rows if is_cut else rows, columns)
    largest = _format_size(limits.max_rows, limits.max_columns)
    return LimitExceeded(
        f"The table has {more}{size}; at most {largest} are accepted.",
        metadata={
            "rows": str(rows),
            "columns": str(columns),
            "max_rows": str(limits.max_rows),
            "max_columns": str(limits.max_columns),
        },
    )


def _format_size(rows: int, columns: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'} × {columns:,} {'column' if columns == 1 else 'columns'}"
