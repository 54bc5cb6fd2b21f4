"""Cells that hold whole rows of the table: a stray quote opened there, and another one happened to close it."""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest_service.decoding.csv_table import CsvTable

_MIN_COLUMNS = 3
"""In narrower tables a line of prose may look like a row."""
_MAX_SEPARATORS = 200
"""A pattern with more would be slow to compile."""


def find_swallowed_rows(table: CsvTable, batches: Iterator[pa.RecordBatch], *, rows: int) -> tuple[str, ...]:
    """Return a note about cells with lines that have as many separators as a row; none if there are none.

    Args:
        table: the file.
        batches: its rows.
        rows: how many there are.
    """
    separators = min(len(table.names) - 1, _MAX_SEPARATORS)
    if len(table.names) < _MIN_COLUMNS or table.count_line_ends() <= rows:
        return ()
    mark = re.escape(table.delimiter)
    pattern = rf"\n(?:[^\n{mark}]*{mark}){{{separators}}}[^\n]*\n"
    first, count, offset = 0, 0, 0
    for batch in batches:
        holds = np.zeros(batch.num_rows, np.bool_)
        for column in batch.columns:
            if pc.any(pc.match_substring(column, "\n")).as_py():
                holds |= pc.match_substring_regex(column, pattern).fill_null(False).to_numpy(zero_copy_only=False)
        if holds.any():
            first = first or offset + int(np.argmax(holds)) + 1
            count += int(holds.sum())
        offset += batch.num_rows
    if not count:
        return ()
    cells = "1 row has" if count == 1 else f"{count:,} rows have"
    return (
        f"{cells} a cell with whole lines of the table in it (the first is row {first}): a quote may be stray there.",
    )
