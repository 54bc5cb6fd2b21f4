"""The canonical text of a typed cell: what the ledger and the category levels are written in."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.cell_text import decimal_text
from worker_service.core.table.frame import TIMESTAMP

_DAY = 86_400_000_000
_SECOND = 1_000_000


def render(array: pa.Array) -> pa.StringArray:
    """One string for each cell, null for null; it depends on the cell's value and type only.

    Numbers in their shortest exact form, from 1e15 on and below 1e-6 with an exponent; `true` and `false`;
    timestamps as ISO 8601: `2024-01-05`, `2024-01-05 10:30:00`,
    a fraction only where there is one, `Z` behind those in UTC.
    """
    if pa.types.is_timestamp(array.type):
        return _render_timestamps(array)
    if pa.types.is_floating(array.type):
        return decimal_text(array, pa.string())
    return array.cast(pa.string())


def render_table(table: pa.Table) -> pa.Table:
    """Every column of a table as canonical text."""
    return pa.table({name: render(table.column(name).combine_chunks()) for name in table.column_names})


def _render_timestamps(array: pa.Array) -> pa.StringArray:
    naive = array.cast(TIMESTAMP)
    text = naive.cast(pa.string())
    ticks = naive.cast(pa.int64()).fill_null(0).to_numpy()
    suffix = "Z" if array.type.tz else ""
    whole_day = ticks % _DAY == 0 if not suffix else np.zeros(len(ticks), dtype=bool)
    if whole_day.all():
        return pc.utf8_slice_codeunits(text, 0, 10)
    whole_second = pa.array(ticks % _SECOND == 0)
    text = pc.if_else(whole_second, pc.utf8_slice_codeunits(text, 0, 19), text)
    text = pc.if_else(pa.array(whole_day), pc.utf8_slice_codeunits(text, 0, 10), text)
    return pc.binary_join_element_wise(text, suffix, "") if suffix else text
