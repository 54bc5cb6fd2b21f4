"""A stored table as an Arrow IPC file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from report_service.tables.csv_table import read_batches


def write_arrow(table: pq.ParquetFile, target: Path) -> None:
    """Write a table as an Arrow IPC file, also called Feather, without compression, which not every reader knows."""
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, table.schema_arrow) as writer:
        for batch in read_batches(table):
            writer.write_batch(batch)
