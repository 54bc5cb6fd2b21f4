"""Rows in which two columns hold each other's values."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

MOST_COLUMNS = 30
MOST_EXAMPLES = 5
MORE_FREQUENT = 20
"""A value belongs to the other column if it is at least so many times as frequent there."""


class Swap(Value):
    """Rows in which the values of two columns belong to each other's column."""

    first: str
    second: str
    rows: int
    examples: tuple[int, ...]
    """Row numbers, counting from 1."""


def find_swaps(columns: Mapping[str, Column]) -> tuple[Swap, ...]:
    """Find swapped values in every pair of text columns; all columns have equal length."""
    texts = [(name, column) for name, column in columns.items() if column.is_text][:MOST_COLUMNS]
    swaps = []
    for (first, left), (second, right) in combinations(texts, 2):
        rows = np.flatnonzero(_belong_to(right, left) & _belong_to(left, right))
        if len(rows):
            examples = tuple(int(row) + 1 for row in rows[:MOST_EXAMPLES])
            swaps.append(Swap(first=first, second=second, rows=len(rows), examples=examples))
    return tuple(swaps)


def _belong_to(other: Column, column: Column) -> npt.NDArray[np.bool_]:
    """Return the mask of the cells of `column` whose value belongs to `other`."""
    levels, other_levels = column.derive(distinct), other.derive(distinct)
    positions = pc.index_in(levels.values, value_set=other_levels.values).fill_null(-1).to_numpy()
    counts_there = np.append(other_levels.counts, 0)[positions]
    foreign = np.append(counts_there >= MORE_FREQUENT * levels.counts, False)
    cells: npt.NDArray[np.bool_] = foreign[levels.codes]
    return cells
