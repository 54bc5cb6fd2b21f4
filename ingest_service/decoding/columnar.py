"""Reading Parquet, Arrow and Feather files, whose columns have types of their own."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from shared.errors import Unprocessable

_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1\x00\x00", "arrow"), (b"FEA1", "feather"))
_LEAST_BYTES = 12
_ROWS = 65_536


@dataclass(frozen=True, kw_only=True)
class ColumnarTable:
    """A table whose file says what its columns are; what text and numbers can't say becomes text."""

    names: Sequence[str]
    format: str
    rows: int
    read: Callable[[], Iterator[pa.RecordBatch]]
    notes: Sequence[str] = ()
    delimiter: str = ""

    def count_rows(self) -> int:
        """As the file says."""
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; structs are columns of their own by now."""
        for batch in self.read():
            arrays = [_plain(column) for column in flattened(batch).columns]
            yield pa.record_batch(arrays, names=[f"f{position}" for position in range(len(arrays))])


def recognise(path: Path) -> str:
    """`parquet`, `arrow` or `feather` by the first bytes; empty where it is none of them."""
    with path.open("rb") as file:
        head = file.read(8)
    found = next(((magic, name) for magic, name in _MAGIC if head.startswith(magic)), None)
    if found is None or path.stat().st_size < _LEAST_BYTES:
        return ""
    magic, name = found
    with path.open("rb") as file:
        file.seek(-len(magic.rstrip(b"\x00")), SEEK_END)
        return name if file.read() == magic.rstrip(b"\x00") or b"\x00" in head else ""


def read_columnar(path: Path, form: str) -> ColumnarTable:
    """The table of such a file.

    Raises:
        Unprocessable: it is damaged.
    """
    try:
        schema, rows, read = _OPENERS[form](path)
        empty = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unprocessable(f"The {form} file is damaged or cut off.", reason="UNREADABLE_FILE") from error
    return ColumnarTable(names=flattened(empty).schema.names, format=form, rows=rows, read=_guarded(read, form))


def flattened(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with a column for each part of a struct, with dotted names."""
    while any(pa.types.is_struct(field.type) and field.type.num_fields for field in batch.schema):
        batch = _flat(batch)
    return batch


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_struct(field.type) and field.type.num_fields:
            arrays += column.flatten()
            names += [f"{field.name}.{part.name}" for part in field.type]
        else:
            arrays.append(column)
            names.append(field.name)
    return pa.RecordBatch.from_arrays(arrays, names=names)


_Opened = tuple[pa.Schema, int, Callable[[], Iterator[pa.RecordBatch]]]


def _parquet(path: Path) -> _Opened:
    file = pq.ParquetFile(path)
    return file.schema_arrow, file.metadata.num_rows, lambda: file.iter_batches(batch_size=_ROWS)


def _arrow(path: Path) -> _Opened:
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    batches = [file.get_batch(place) for place in range(file.num_record_batches)]
    return file.schema, sum(batch.num_rows for batch in batches), lambda: iter(batches)


def _feather(path: Path) -> _Opened:
    table = feather.read_table(path)
    return table.schema, table.num_rows, lambda: iter(table.to_batches())


_OPENERS: dict[str, Callable[[Path], _Opened]] = {"parquet": _parquet, "arrow": _arrow, "feather": _feather}


def _guarded(read: Callable[[], Iterator[pa.RecordBatch]], form: str) -> Callable[[], Iterator[pa.RecordBatch]]:
    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from read()
        except (pa.ArrowException, OSError) as error:
            raise Unprocessable(f"The {form} file is damaged.", reason="UNREADABLE_FILE") from error

    return batches


def _plain(array: pa.Array) -> pa.Array:
    """Numbers, booleans and moments as the service keeps them; everything else as text."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    if pa.types.is_boolean(kind) or pa.types.is_int64(kind) or pa.types.is_float64(kind):
        return array
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind):
        return array.cast(pa.float64())
    if pa.types.is_date(kind):
        return array.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind):
        return _moments(array)
    return _texts(array)


def _moments(array: pa.Array) -> pa.Array:
    """Microseconds, in UTC where the column has a zone; text where that would lose nanoseconds."""
    try:
        return array.cast(pa.timestamp("us", tz="UTC" if array.type.tz else None))
    except pa.ArrowInvalid:
        return array.cast(pa.string())


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_nested(array.type):
        values = (
            None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in array.to_pylist()
        )
        return pa.array(values, pa.string())
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:  # bytes that are no text
        return pa.array([None if value is None else value.hex() for value in array.to_pylist()], pa.string())
    except pa.ArrowNotImplementedError:
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
