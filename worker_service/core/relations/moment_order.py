"""Moments that follow each other, such as an order and its delivery, and the rows in which they do not."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pyarrow as pa

from worker_service.core.table.frame import TIMESTAMP, Column
from worker_service.core.value import Value

MOST_COLUMNS = 10
FEWEST_ROWS = 50
LEAST_IN_ORDER = 0.98
"""One column of moments follows another in at least this share of the rows,"""
LEAST_AFTER = 0.5
"""really after it in at least this one,"""
FEWER = 10
"""and so many times as many rows would break the order if the two had nothing to do with each other."""
MOST_EXAMPLES = 5


class MomentOrder(Value):
    """Two columns of which one is hardly ever before the other."""

    earlier: str
    later: str
    rows: int
    """The rows in which both are known."""
    broken: int
    """Those of them in which the later one is before the earlier one."""
    examples: tuple[int, ...]
    """Row numbers of such rows, counting from 1."""


def find_moment_orders(columns: Mapping[str, Column]) -> tuple[MomentOrder, ...]:
    """Find the orders that a few rows break; all columns have equal length."""
    moments = {name: _ticks(column) for name, column in columns.items() if column.is_timestamp}
    orders = []
    for pair in combinations(list(moments)[:MOST_COLUMNS], 2):
        for earlier, later in (pair, pair[::-1]):
            order = _find_order(earlier, later, moments)
            if order is not None:
                orders.append(order)
    return tuple(orders)


def _ticks(column: Column) -> np.ndarray:
    """Return the microseconds of each moment, NaN where there is none."""
    ticks = column.array.cast(TIMESTAMP).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(ticks.to_numpy(zero_copy_only=False))


def _find_order(earlier: str, later: str, moments: Mapping[str, np.ndarray]) -> MomentOrder | None:
    start, end = moments[earlier], moments[later]
    known = np.isfinite(start) & np.isfinite(end)
    rows = int(known.sum())
    broken = np.flatnonzero(known & (end < start))
    after = float((end > start)[known].mean()) if rows else 0.0
    if rows < FEWEST_ROWS or not 0 < len(broken) <= (1 - LEAST_IN_ORDER) * rows:
        return None
    start, end = start[known], np.sort(end[known])
    expected = np.searchsorted(end, start).mean()
    if FEWER * len(broken) > expected or after < LEAST_AFTER:
        return None
    examples = tuple((broken[:MOST_EXAMPLES] + 1).tolist())
    return MomentOrder(earlier=earlier, later=later, rows=rows, broken=len(broken), examples=examples)
