"""Decoding one file: recognise what it is, read it, hold it against the limits, write it as Arrow."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

import pyarrow as pa

from ingest_service.decoding import columnar, workbook
from ingest_service.decoding.csv_table import CsvTable, read_csv
from ingest_service.decoding.decompress import unpack
from ingest_service.decoding.encoding_detection import Utf8Text, as_utf8
from ingest_service.decoding.json_table import read_json, read_json_lines
from ingest_service.decoding.names import repair_names
from ingest_service.decoding.non_data_rows import HEADER_AGAIN, TOTALS
from ingest_service.decoding.rejects import Rejects
from ingest_service.decoding.table_reader import Parsed
from shared.contracts.run_options import ReadOptions
from shared.errors import LimitExceeded, Unprocessable

_JSON_LINES_SUFFIXES = {".jsonl", ".ndjson"}
_OTHER_SIZE = "another number of cells than the header"
_TEXT_SUFFIXES = {".csv", ".tsv", ".tab", ".txt"}


@dataclass(frozen=True)
class Limits:
    """The largest table the service takes."""

    max_rows: int
    max_columns: int


@dataclass(frozen=True, kw_only=True)
class ParsePlan:
    """How a file was read as a table; the contract names the same fields."""

    format: str
    encoding: str = ""
    delimiter: str = ""
    compression: str = ""
    header_row: int | None = None
    """The line (in a sheet: the row) of the header, from 1; 0 for none; None where the format has no such thing."""
    sheet: str = ""
    rejected_rows: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decoded(ParsePlan):
    """A decoded table's shape and how it was read."""

    rows: int
    columns: tuple[str, ...]

    def parse_plan(self) -> dict[str, object]:
        """Return how the file was read, as JSON."""
        return {field.name: getattr(self, field.name) for field in fields(ParsePlan)}


@dataclass(frozen=True)
class _Opened:
    """A table before its rows are read."""

    parsed: Parsed
    encoding: str = ""
    header_row: int | None = None
    sheet: str = ""
    notes: tuple[str, ...] = ()
    rejects: Rejects = field(default_factory=Rejects)


def decode_file(
    source: Path, filename: str, target: Path, limits: Limits, options: ReadOptions | None = None
) -> Decoded:
    """Decode `source` and write its table to `target` as an Arrow IPC file (lz4).

    Every column of a delimited file is text, null where nothing stood between the delimiters; other formats keep
    their types. Rows that do not fit the header go to `rejects.parquet` beside the target, if there are any.

    Raises:
        Unprocessable: the bytes are no table; says line and column where known.
        LimitExceeded: the table has too many rows or columns, or a compressed file grows too large.
    """
    if source.stat().st_size == 0:
        raise Unprocessable("The file is empty.", reason="EMPTY_FILE")
    unpacked = unpack(source, filename)
    opened = _open(unpacked.path, unpacked.filename, options or ReadOptions())
    parsed = opened.parsed
    if len(parsed.names) > limits.max_columns:
        raise _beyond(limits, parsed.count_rows(), len(parsed.names))
    names, renamed = repair_names(parsed.names)
    rows, rejects = _write_fitting(parsed, names, target, limits)
    rejects = rejects if rejects.count else opened.rejects
    if rejects.count:
        rejects.write(target.with_name("rejects.parquet"))
    return Decoded(
        rows=rows,
        columns=tuple(names),
        format=parsed.format,
        encoding=opened.encoding,
        delimiter=parsed.delimiter,
        compression=unpacked.compression,
        header_row=opened.header_row,
        sheet=opened.sheet,
        rejected_rows=rejects.count,
        notes=(*unpacked.notes, *opened.notes, *parsed.notes, *_rejects_note(rejects), *renamed),
    )


def _open(path: Path, filename: str, options: ReadOptions) -> _Opened:
    if path.stat().st_size == 0:
        raise Unprocessable("The file is empty.", reason="EMPTY_FILE")
    form = columnar.recognise(path)
    if form:
        return _Opened(columnar.read_columnar(path, form))
    form = workbook.recognise(path, filename)
    if form:
        table, sheet, row, rejects = workbook.read_workbook(path, form, options)
        return _Opened(table, header_row=row, sheet=sheet, rejects=rejects)
    text = as_utf8(path, options.encoding)
    parsed = _read(text, filename, options)
    header_row = parsed.header_row if isinstance(parsed, CsvTable) else None
    return _Opened(parsed, encoding=text.encoding, header_row=header_row, notes=text.notes)


def _read(text: Utf8Text, filename: str, options: ReadOptions) -> Parsed:
    suffix = Path(filename.lower()).suffix
    delimited = options.delimiter is not None or options.header_row is not None
    if suffix in _JSON_LINES_SUFFIXES and not delimited:
        return read_json_lines(text.path)
    if suffix == ".json" or (suffix not in _TEXT_SUFFIXES and not delimited and text.head.lstrip()[:1] in {"{", "["}):
        return read_json(text.path)
    return read_csv(text.path, options)


def _write_fitting(parsed: Parsed, names: list[str], target: Path, limits: Limits) -> tuple[int, Rejects]:
    """Write the rows; where some of a delimited file do not fit, those that do, and the others aside."""
    if isinstance(parsed, CsvTable) and parsed.has_furniture():
        fitting, rejects = parsed.without_unfit_rows()
        return _write(fitting, names, target, limits), rejects
    try:
        return _write(parsed, names, target, limits), Rejects()
    except Unprocessable as ragged:
        if ragged.reason != "RAGGED_ROW" or not isinstance(parsed, CsvTable):
            raise
        fitting, rejects = parsed.without_unfit_rows(ragged)
        return _write(fitting, names, target, limits), rejects


def _rejects_note(rejects: Rejects) -> tuple[str, ...]:
    """How many rows were left out, and why."""
    reasons = Counter(reason if reason in (HEADER_AGAIN, TOTALS) else _OTHER_SIZE for reason in rejects.whys)
    told = ", ".join(f"{reason} ({amount:,})" if len(reasons) > 1 else reason for reason, amount in reasons.items())
    rows = "1 row was" if rejects.count == 1 else f"{rejects.count:,} rows were"
    return (f"{rows} left out: {told}; see the rejects.",) if rejects.count else ()


def _write(parsed: Parsed, names: list[str], target: Path, limits: Limits) -> int:
    """Write the batches under their final names; how many rows there were. Rows beyond the limit are only counted."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    rows = 0
    writer = None
    with contextlib.ExitStack() as stack:
        for batch in parsed.batches():
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
        raise _beyond(limits, rows, len(names))
    return rows


def _beyond(limits: Limits, rows: int, columns: int) -> LimitExceeded:
    return LimitExceeded(
        f"The table has {_size(rows, columns)}; at most {_size(limits.max_rows, limits.max_columns)} are accepted.",
        metadata={
            "rows": str(rows),
            "columns": str(columns),
            "max_rows": str(limits.max_rows),
            "max_columns": str(limits.max_columns),
        },
    )


def _size(rows: int, columns: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'} × {columns:,} {'column' if columns == 1 else 'columns'}"
