"""A stored table as JSON Lines: one object a row."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.tables.csv_table import read_batches


def write_json_lines(table: pq.ParquetFile, target: Path) -> None:
    """Write a table as JSON Lines in UTF-8.

    A missing value is null, as is a number that JSON can't hold; moments are text in ISO 8601.
    """
    with target.open("w", encoding="utf-8", newline="") as file:
        for batch in read_batches(table):
            columns = [_finite(column) for column in batch.columns]
            for row in pa.record_batch(columns, batch.schema.names).to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, default=_text) + "\n")


def _finite(column: pa.Array) -> pa.Array:
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
