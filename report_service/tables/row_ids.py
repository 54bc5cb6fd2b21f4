"""The place of each row in the uploaded table, as a column to join by."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from report_service.kept_rows import kept_rows
from report_service.tables.csv_table import BUFFER_BYTES, read_batches
from shared.errors import FieldError, InvalidInput

ROW_ID = "__row__"


def add_row_ids(source: Path, target: Path, changes: Path) -> None:
    """Write a Parquet file with the column `__row__` in front: the row in the uploaded table, from 1.

    Args:
        source: the cleaned or the engineered table.
        target: the file to write.
        changes: the list of changes, which knows the removed rows.

    Raises:
        InvalidInput: the table was made by a version that did not keep which rows it has.
    """
    kept = kept_rows(changes)
    with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
        if kept is None or len(kept) != table.metadata.num_rows:
            problem = "is not known of this table; prepare the dataset again"
            raise InvalidInput(f"row_id {problem}.", fields=[FieldError(field="row_id", detail=problem)])
        name = ROW_ID
        while name in table.schema_arrow.names:
            name += "_"
        schema = pa.schema([pa.field(name, pa.int64()), *table.schema_arrow])
        position = 0
        with pq.ParquetWriter(target, schema) as writer:
            for batch in read_batches(table):
                rows = np.asarray(kept[position : position + batch.num_rows] + 1)
                writer.write_batch(pa.record_batch([pa.array(rows), *batch.columns], schema=schema))
                position += batch.num_rows
