"""Canonical text of typed cells, in which the ledger and the category levels are written."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.cell_text import decimal_text
from worker_service.core.table.frame import TIMESTAMP

_MICROSECONDS_PER_DAY = 86_400_000_000
_MICROSECONDS_PER_SECOND = 1_000_000


def render(array: pa.Array) -> pa.StringArray:
    """Return the canonical text of each cell, null for null.

    The text of a cell depends on its value and type only. Numbers have their shortest exact form, with an exponent
    from 1e15 on and below 1e-6. Booleans are `true` and `false`. Timestamps are ISO 8601: `2024-01-05`,
    `2024-01-05 10:30:00`, with a fraction only where there is one, and with `Z` where the column is in UTC.
    """
    if pa.types.is_timestamp(array.type):
        return _render_timestamps(array)
    if pa.types.is_floating(array.type):
        return decimal_text(array, pa.string())
    return array.cast(pa.string())


def render_table(table: pa.Table) -> pa.Table:
    """Return a table in which every column is written as canonical text."""
    return pa.table({name: render(table.column(name).combine_chunks()) for name in table.column_names})


def _render_timestamps(array: pa.Array) -> pa.StringArray:
    naive = array.cast(TIMESTAMP)
    text = naive.cast(pa.string())
    ticks = naive.cast(pa.int64()).fill_null(0).to_numpy()
    suffix = "Z" if array.type.tz else ""
    whole_day = ticks % _MICROSECONDS_PER_DAY == 0 if not suffix else np.zeros(len(ticks), dtype=bool)
    if whole_day.all():
        return pc.utf8_slice_codeunits(text, 0, 10)
    whole_second = pa.array(ticks % _MICROSECONDS_PER_SECOND == 0)
    text = pc.if_else(whole_second, pc.utf8_slice_codeunits(text, 0, 19), text)
    text = pc.if_else(pa.array(whole_day), pc.utf8_slice_codeunits(text, 0, 10), text)
    return pc.binary_join_element_wise(text, suffix, "") if suffix else text
