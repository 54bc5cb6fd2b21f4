"""A stored table in another format; runs in a child process."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from shared.errors import Unavailable

BATCH_ROWS = 8192
BUFFER_BYTES = 1024 * 1024
_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS = 86_400


def write_csv(source: Path, target: Path) -> None:
    """Write a Parquet file as CSV, a batch of rows at a time, so memory does not grow with the table.

    A missing value becomes an empty field, an empty text a quoted one. Times are written no finer than the column needs.

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
    options = pyarrow.csv.WriteOptions(include_header=True, quoting_style="needed", quoting_header="needed")
    with pyarrow.csv.CSVWriter(str(target), schema, write_options=options) as writer:
        for batch in _batches(table):
            writer.write_batch(pa.record_batch([_cast(column, field.type) for column, field in zip(batch, schema, strict=True)], schema=schema))


def _batches(table: pq.ParquetFile, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    batches: Iterator[pa.RecordBatch] = table.iter_batches(BATCH_ROWS, columns=columns, use_threads=False)
    return batches


def _written_schema(table: pq.ParquetFile) -> pa.Schema:
    schema = table.schema_arrow
    fields = [pa.field(field.name, _written_type(table, place, field.type)) for place, field in enumerate(schema)]
    return pa.schema(fields)
