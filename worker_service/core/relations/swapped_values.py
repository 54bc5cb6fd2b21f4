"""Rows in which two columns hold each other's values."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

MOST_COLUMNS = 30
MOST_EXAMPLES = 5
AT_HOME = 20
"""A value belongs to the column in which it is so many times as frequent as in the other."""


class Swap(Value):
    """Rows in which the values of two columns belong to the other one."""

    first: str
    second: str
    rows: int
    examples: tuple[int, ...]
    """Rows, counting from 1."""


def find_swaps(columns: Mapping[str, Column]) -> tuple[Swap, ...]:
    """Look at every pair of text columns of equal length."""
    texts = [(name, column) for name, column in columns.items() if column.is_text][:MOST_COLUMNS]
    found = []
    for (first, one), (second, other) in combinations(texts, 2):
        rows = np.flatnonzero(_strangers(one, other) & _strangers(other, one))
        if len(rows):
            examples = tuple(int(row) + 1 for row in rows[:MOST_EXAMPLES])
            found.append(Swap(first=first, second=second, rows=len(rows), examples=examples))
    return tuple(found)


def _strangers(column: Column, home: Column) -> npt.NDArray[np.bool_]:
    """The cells whose value belongs to the other column."""
    levels, others = column.derive(distinct), home.derive(distinct)
    places = pc.index_in(levels.values, value_set=others.values).fill_null(-1).to_numpy()
    there = np.append(others.counts, 0)[places]
    strange = np.append(there >= AT_HOME * levels.counts, False)
    cells: npt.NDArray[np.bool_] = strange[levels.codes]
    return cells
