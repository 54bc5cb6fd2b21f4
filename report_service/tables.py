"""A stored table in another format; runs in a child process."""

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.contracts.cell_text import decimal_text
from shared.errors import Unavailable

BATCH_ROWS = 8192
LINE_ROWS = 2048
"""Rows made into text at once: few, because they may be long."""
BUFFER_BYTES = 1024 * 1024
TEXT = pa.large_string()
_COMMA, _NEWLINE, _QUOTE, _NOTHING, _QUOTED_NOTHING = (pa.scalar(sign, TEXT) for sign in (",", "\n", '"', "", '""'))
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS = 86_400


def write_csv(source: Path, target: Path) -> None:
    """Write a Parquet file as CSV, a batch of rows at a time, so memory does not grow with the table.

    A missing value becomes an empty field, an empty text a quoted one; in a table of one column both are quoted,
    because readers skip blank lines. Numbers are written in full where people would, as in the list of changes. Times
    are written no finer than their column needs: a column of midnights as dates.

    Raises:
        Unavailable: there is no room for the copy (STORAGE_FULL).
    """
    try:
        with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
            _write(table, _written_schema(table), target)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unavailable("There is no room for a working copy (SCRATCH_DIR).", reason="STORAGE_FULL") from error


def _write(table: pq.ParquetFile, schema: pa.Schema, target: Path) -> None:
    with target.open("wb") as file:
        file.write(_lines([_quoted(pa.array([field.name], pa.string())) for field in schema]))
        for batch in _batches(table):
            for start in range(0, batch.num_rows, LINE_ROWS):
                part = batch.slice(start, LINE_ROWS)
                file.write(_lines([_fields(part.column(field.name).cast(field.type)) for field in schema]))


def _lines(columns: Sequence[pa.Array]) -> pa.Buffer | bytes:
    """Rows of a CSV file from their fields, column by column."""
    blank = _QUOTED_NOTHING if len(columns) == 1 else _NOTHING
    ended = pc.binary_join_element_wise(columns[-1].fill_null(blank), _NEWLINE, _NOTHING)
    text = pc.binary_join_element_wise(*columns[:-1], ended, _COMMA, null_handling="replace", null_replacement="")
    _, offsets, content = text.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[[text.offset, text.offset + len(text)]]
    return content.slice(int(ends[0]), int(ends[1] - ends[0])) if content is not None else b""


def _fields(values: pa.Array) -> pa.LargeStringArray:
    """The values as they stand between commas."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type) or values.type == TEXT:
        return _quoted(values)
    return decimal_text(values, TEXT) if pa.types.is_floating(values.type) else values.cast(TEXT)


def _quoted(text: pa.Array) -> pa.LargeStringArray:
    text = text.cast(TEXT)
    if pc.any(pc.match_substring(text, '"')).as_py():
        text = pc.replace_substring(text, '"', '""')
    return pc.binary_join_element_wise(_QUOTE, text, _QUOTE, _NOTHING)


def _batches(table: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    batches: Iterator[pa.RecordBatch] = table.iter_batches(BATCH_ROWS, columns=columns, use_threads=False)
    return batches


def _written_schema(table: pq.ParquetFile) -> pa.Schema:
    """The columns as they are, times at the precision they need."""
    times = {field.name: _Precision(field.type) for field in table.schema_arrow if pa.types.is_timestamp(field.type)}
    for batch in _batches(table, list(times)) if times else ():
        for name, precision in times.items():
            precision.refine(batch.column(name))
    fields = [
        pa.field(field.name, times[field.name].type() if field.name in times else field.type)
        for field in table.schema_arrow
    ]
    return pa.schema(fields)


class _Precision:
    """The coarsest type that keeps every time of a column seen so far."""

    def __init__(self, stored: pa.TimestampType) -> None:
        ticks = _PER_SECOND[stored.unit]
        units = [unit for unit, per_second in _PER_SECOND.items() if per_second <= ticks]
        self._types = [pa.timestamp(unit, stored.tz) for unit in units]
        self._sizes = [ticks // _PER_SECOND[unit] for unit in units]
        # A day has no zone: midnight here is another time elsewhere.
        if stored.tz is None:
            self._types.insert(0, pa.date32())
            self._sizes.insert(0, ticks * _DAY_SECONDS)

    def refine(self, times: pa.Array) -> None:
        """Take more times into account."""
        ticks: npt.NDArray[np.int64] = times.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
        while (ticks % self._sizes[0]).any():
            del self._types[0], self._sizes[0]

    def type(self) -> pa.DataType:
        """The type found."""
        return self._types[0]
