"""Decoding one file: recognise what it is, read it, hold it against the limits, write it as Arrow."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ingest_service.decoding.csv_table import read_csv
from ingest_service.decoding.json_table import read_json, read_json_lines
from ingest_service.decoding.names import repair_names
from ingest_service.decoding.parsed import Parsed
from ingest_service.decoding.text import Utf8Text, as_utf8
from shared.errors import LimitExceeded, Unprocessable

_JSON_LINES_SUFFIXES = {".jsonl", ".ndjson"}
_TEXT_SUFFIXES = {".csv", ".tsv", ".tab", ".txt"}


@dataclass(frozen=True)
class Limits:
    """The largest table the service takes."""

    max_rows: int
    max_columns: int


@dataclass(frozen=True)
class Decoded:
    """A decoded table's shape and how it was read."""

    rows: int
    columns: tuple[str, ...]
    format: str
    encoding: str
    delimiter: str
    notes: tuple[str, ...] = field(default=())


def decode_file(source: Path, filename: str, target: Path, limits: Limits) -> Decoded:
    """Decode `source` and write its table to `target` as an Arrow IPC file (lz4).

    Every column of a delimited file is text, null where nothing stood between the delimiters; JSON keeps its types.

    Raises:
        Unprocessable: the bytes are no table; says line and column where known.
        LimitExceeded: the table has too many rows or columns.
    """
    if source.stat().st_size == 0:
        raise Unprocessable("The file is empty.", reason="EMPTY_FILE")
    text = as_utf8(source)
    parsed = _read(text, filename)
    if len(parsed.names) > limits.max_columns:
        raise _beyond(limits, parsed.count_rows(), len(parsed.names))
    names, renamed = repair_names(parsed.names)
    rows = _write(parsed, names, target, limits)
    return Decoded(
        rows=rows,
        columns=tuple(names),
        format=parsed.format,
        encoding=text.encoding,
        delimiter=parsed.delimiter,
        notes=(*text.notes, *parsed.notes, *renamed),
    )


def _read(text: Utf8Text, filename: str) -> Parsed:
    suffix = Path(filename.lower()).suffix
    if suffix in _JSON_LINES_SUFFIXES:
        return read_json_lines(text.path)
    if suffix == ".json" or (suffix not in _TEXT_SUFFIXES and text.head.lstrip()[:1] in {"{", "["}):
        return read_json(text.path)
    return read_csv(text.path)


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
