"""Tables to upload: small ones that are prepared at once, and large ones that take their time."""

import io

import pyarrow.csv as pacsv

from tests.bench.tables import mixed_table


def small(seed: int) -> bytes:
    """200 rows of 6 columns, another table for each seed."""
    return _csv(200, 6, seed)


def large(seed: int) -> bytes:
    """30,000 rows of 30 columns: a second or more of work."""
    return _csv(30_000, 30, seed)


def hundred_kilobytes(seed: int) -> bytes:
    """About 100 KB."""
    return _csv(1_900, 10, seed)


def _csv(rows: int, columns: int, seed: int) -> bytes:
    file = io.BytesIO()
    pacsv.write_csv(mixed_table(rows, columns, seed=seed), file)
    return file.getvalue()
