"""Tables to upload: small ones that are prepared at once, and large ones that take a second or more."""

import io

import pyarrow as pa
import pyarrow.csv as pacsv

from tests.bench.tables import mixed_table


def small(seed: int) -> bytes:
    """Return a CSV file of 200 rows and 6 columns, different for each seed."""
    return csv(mixed_table(200, 6, seed=seed))


def large(seed: int) -> bytes:
    """Return a CSV file of 30,000 rows and 30 columns, which takes a second or more to prepare."""
    return csv(mixed_table(30_000, 30, seed=seed))


def hundred_kilobytes(seed: int) -> bytes:
    """Return a CSV file of about 100 KB."""
    return csv(mixed_table(1_900, 10, seed=seed))


def csv(table: pa.Table) -> bytes:
    """Return a table as the bytes of a CSV file."""
    file = io.BytesIO()
    pacsv.write_csv(table, file)
    return file.getvalue()
