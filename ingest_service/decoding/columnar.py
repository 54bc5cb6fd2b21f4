"""Reader of Parquet, Arrow and Feather files, whose columns have types."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq

from shared.errors import Unprocessable

_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1\x00\x00", "arrow"), (b"FEA1", "feather"))
_MIN_BYTES = 12
_BATCH_ROWS = 65_536
_FIRST_TICK, _LAST_TICK = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond of the years 1 to 9999, since 1970."""


@dataclass(frozen=True, kw_only=True)
class ColumnarTable:
    """A table with typed columns; types other than numbers, booleans and timestamps become text."""

    names: Sequence[str]
    format: str
    rows: int
    read: Callable[[], Iterator[pa.RecordBatch]]
    notes: Sequence[str] = ()
    delimiter: str = ""
    is_cut: bool = False

    def count_rows(self) -> int:
        """Return the number of rows according to the metadata of the file."""
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, with a column for each field of a struct.

        Raises:
            Unprocessable: the file is damaged.
        """
        with _damaged_file_errors(self.format):
            for batch in self.read():
                # Offsets that point outside of their buffer would read the memory of this process as cells.
                batch.validate(full=True)
                arrays = [_normalize_type(column) for column in flatten_structs(batch).columns]
                yield pa.record_batch(arrays, names=[f"f{position}" for position in range(len(arrays))])


def detect_format(path: Path) -> str:
    """Return `parquet`, `arrow` or `feather` by the first bytes; empty for any other file."""
    with path.open("rb") as file:
        head = file.read(8)
    match = next(((magic, name) for magic, name in _MAGIC if head.startswith(magic)), None)
    if match is None or path.stat().st_size < _MIN_BYTES:
        return ""
    magic, name = match
    with path.open("rb") as file:
        file.seek(-len(magic.rstrip(b"\x00")), SEEK_END)
        return name if file.read() == magic.rstrip(b"\x00") or b"\x00" in head else ""


def read_columnar(path: Path, file_format: str) -> ColumnarTable:
    """Return the table of a file in a format that `detect_format` names.

    Raises:
        Unprocessable: the file is damaged.
    """
    with _damaged_file_errors(file_format):
        schema, rows, read = _OPENERS[file_format](path)
        empty = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
        names = flatten_structs(empty).schema.names
    return ColumnarTable(names=names, format=file_format, rows=rows, read=read)


def flatten_structs(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with a column for each field of a struct, with dotted names."""
    while any(pa.types.is_struct(field.type) and field.type.num_fields for field in batch.schema):
        batch = _flatten_once(batch)
    return batch


def _flatten_once(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_struct(field.type) and field.type.num_fields:
            arrays += column.flatten()
            names += [f"{field.name}.{part.name}" for part in field.type]
        else:
            arrays.append(column)
            names.append(field.name)
    return pa.RecordBatch.from_arrays(arrays, names=names)


_ReadBatches = Callable[[], Iterator[pa.RecordBatch]]
_OpenedFile = tuple[pa.Schema, int, _ReadBatches]
_Opener = Callable[[Path], _OpenedFile]


def _open_parquet(path: Path) -> _OpenedFile:
    file = pq.ParquetFile(path)
    return file.schema_arrow, file.metadata.num_rows, lambda: file.iter_batches(batch_size=_BATCH_ROWS)


def _open_arrow(path: Path) -> _OpenedFile:
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    batches = [file.get_batch(index) for index in range(file.num_record_batches)]
    return file.schema, sum(batch.num_rows for batch in batches), lambda: iter(batches)


def _open_feather(path: Path) -> _OpenedFile:
    table = feather.read_table(path)
    return table.schema, table.num_rows, lambda: iter(table.to_batches())


_OPENERS: dict[str, _Opener] = {"parquet": _open_parquet, "arrow": _open_arrow, "feather": _open_feather}


@contextmanager
def _damaged_file_errors(file_format: str) -> Iterator[None]:
    """Raise the errors of Arrow's readers, which are many for damaged files, as one of a damaged file."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, IndexError, KeyError, SystemError, OverflowError) as error:
        message = f"The {file_format} file is damaged or cut off."
        raise Unprocessable(message, reason="UNREADABLE_FILE") from error


def _normalize_type(array: pa.Array) -> pa.Array:
    """Convert numbers, booleans and timestamps to the stored types, everything else to text."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    data_type = array.type
    if pa.types.is_dictionary(data_type):
        return _normalize_type(array.dictionary_decode())
    if pa.types.is_boolean(data_type) or pa.types.is_int64(data_type) or pa.types.is_float64(data_type):
        return array
    if pa.types.is_integer(data_type) and not pa.types.is_uint64(data_type):
        return array.cast(pa.int64())
    if pa.types.is_floating(data_type):
        return array.cast(pa.float64())
    if pa.types.is_date(data_type) or pa.types.is_timestamp(data_type):
        return _normalize_moments(array)
    return _to_text(array)


def _normalize_moments(array: pa.Array) -> pa.Array:
    """Convert dates and timestamps to microseconds, in UTC if the column has a time zone.

    Timestamps that would lose nanoseconds, and moments outside of the years 1 to 9999, become text.
    """
    has_zone = pa.types.is_timestamp(array.type) and array.type.tz
    try:
        moments = array.cast(pa.timestamp("us", tz="UTC" if has_zone else None))
    except pa.ArrowInvalid:
        return array.cast(pa.string())
    extremes = pc.min_max(moments.cast(pa.int64())).as_py()
    is_in_calendar = extremes["min"] is None or _FIRST_TICK <= extremes["min"] <= extremes["max"] <= _LAST_TICK
    return moments if is_in_calendar else array.cast(pa.string())


def _to_text(array: pa.Array) -> pa.Array:
    if pa.types.is_nested(array.type):
        values = (
            None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in array.to_pylist()
        )
        return pa.array(values, pa.string())
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:  # The column has bytes that are not text.
        return pa.array([None if value is None else value.hex() for value in array.to_pylist()], pa.string())
    except pa.ArrowNotImplementedError:
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
