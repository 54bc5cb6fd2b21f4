"""Tables to upload: small ones that are prepared at once, and large ones that take their time."""

import io

import pyarrow as pa
import pyarrow.csv as pacsv

from tests.bench.tables import mixed_table


def small(seed: int) -> bytes:
    """200 rows of 6 columns, another table for each seed."""
    return csv(mixed_table(200, 6, seed=seed))


def large(seed: int) -> bytes:
    """30,000 rows of 30 columns: a second or more of work."""
    return csv(mixed_table(30_000, 30, seed=seed))


def hundred_kilobytes(seed: int) -> bytes:
    """About 100 KB."""
    return csv(mixed_table(1_900, 10, seed=seed))


def csv(table: pa.Table) -> bytes:
    """The table as the bytes of a CSV file."""
    file = io.BytesIO()
    pacsv.write_csv(table, file)
    return file.getvalue()
