"""Decoding one file: recognise what it is, read it, hold it against the limits, write it as Arrow."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ingest_service.decoding.csv_table import Parsed, read_csv
from ingest_service.decoding.json_table import read_json
from ingest_service.decoding.names import repair_names
from ingest_service.decoding.text import as_utf8
from shared.errors import LimitExceeded, Unprocessable

_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
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
    read = read_json if _is_json(filename, text.head) else read_csv
    parsed = read(text.path)
    names, renamed = repair_names(parsed.names)
    rows = _write(parsed, names, target, limits)
    return Decoded(
        rows=rows,
        columns=tuple(names),
        format=parsed.format,
        encoding=text.encoding,
        delimiter=parsed.delimiter,
        notes=(*text.notes, *renamed),
    )


def _is_json(filename: str, head: str) -> bool:
    suffix = Path(filename.lower()).suffix
    if suffix in _JSON_SUFFIXES:
        return True
    return suffix not in _TEXT_SUFFIXES and head.lstrip()[:1] in {"{", "["}


def _write(parsed: Parsed, names: list[str], target: Path, limits: Limits) -> int:
    """Write the batches under their final names; how many rows there were. Rows beyond the limits are only counted."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    rows = 0
    with contextlib.ExitStack() as stack:
        writer = None
        for batch in parsed.batches:
            rows += batch.num_rows
            if rows > limits.max_rows or len(names) > limits.max_columns:
                continue
            batch = batch.rename_columns(names)
            if writer is None:
                sink = stack.enter_context(pa.OSFile(str(target), "wb"))
                writer = stack.enter_context(pa.ipc.new_file(sink, batch.schema, options=options))
            writer.write_batch(batch)
    if rows == 0:
        raise Unprocessable("The file has a header but no rows.", reason="NO_ROWS")
    _hold_against(limits, rows, len(names))
    return rows


def _hold_against(limits: Limits, rows: int, columns: int) -> None:
    if rows <= limits.max_rows and columns <= limits.max_columns:
        return
    raise LimitExceeded(
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
