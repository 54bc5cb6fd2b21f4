"""Numbers that stand for a missing value, such as 999 in a column of ages."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.fences import FENCE_IQRS, Numbers, widen
from worker_service.core.frame import Column
from worker_service.core.statistics import Value, quantiles, runs

FEWEST_CELLS = 3
SMALLEST_SHARE = 0.005
"""A sentinel fills at least this share of the known cells; an error of typing does not repeat like that."""
FEWEST_VALUES = 10
"""A column with at most so many other values holds codes or ratings, in which any number may mean something."""
FEWEST_OTHERS = 20
_NINES = re.compile(r"9{2,10}")
_NEGATIVE = re.compile(r"-(1|9{1,10})")
_BELOW_ANYTHING = -999
_NEGATIVE_GAP = 0.25


class Sentinel(Value):
    """A number that stands for missing, and how many cells hold it."""

    value: float
    count: int


def find_sentinels(column: Column) -> tuple[Sentinel, ...]:
    """The sentinels of a numeric column: typical, repeated, and far outside of all other values."""
    found = column.derive(runs)
    values, counts = found.values.astype(np.float64, copy=False), found.counts
    low, high, sentinels = 0, len(values), []
    least = max(FEWEST_CELLS, SMALLEST_SHARE * int(counts.sum()))
    while high - low > FEWEST_VALUES + 1:
        if _stands_out(values[low:high], counts[low:high], place=-1, least=least):
            high -= 1
            sentinels.append(Sentinel(value=float(values[high]), count=int(counts[high])))
        elif _stands_out(values[low:high], counts[low:high], place=0, least=least):
            sentinels.append(Sentinel(value=float(values[low]), count=int(counts[low])))
            low += 1
        else:
            break
    return tuple(sentinels)


def mask(column: Column, sentinels: tuple[Sentinel, ...]) -> Column:
    """The column with its sentinels missing; the same column where it has none."""
    return column.derive(without, tuple(sentinel.value for sentinel in sentinels)) if sentinels else column


def without(column: Column, values: tuple[float, ...]) -> Column:
    """A numeric column in which the cells with these values are missing."""
    fitting = [value for value in values if not column.is_integer or (value.is_integer() and abs(value) < 2**53)]
    held = pc.is_in(column.array, value_set=pa.array(fitting, pa.float64()).cast(column.type))
    return Column(pc.if_else(held, pa.scalar(None, column.type), column.array))


def _stands_out(values: Numbers, counts: npt.NDArray[np.int64], *, place: int, least: float) -> bool:
    """Whether the smallest (`place` 0) or largest (-1) value is a sentinel among the others."""
    value, repeats = float(values[place]), int(counts[place])
    if repeats < least or not value.is_integer() or abs(value) >= 1e10:
        return False
    if not (_NEGATIVE if place == 0 else _NINES).fullmatch(str(int(value))):
        return False
    others = slice(1, None) if place == 0 else slice(None, -1)
    rest = np.repeat(values[others], counts[others])
    return len(rest) >= FEWEST_OTHERS and _far(value, rest)


def _far(value: float, rest: Numbers) -> bool:
    """Whether a value lies beyond the fences of the others, with a gap between."""
    q1, q3 = quantiles(rest, (0.25, 0.75))
    width = q3 - q1
    if not 0 < width < np.inf:
        return False
    gap = float(max(rest[0] - value, value - rest[-1]))
    if value < 0 <= rest[0]:
        return value <= _BELOW_ANYTHING or gap >= _NEGATIVE_GAP * width
    ends = widen(rest, q1 - FENCE_IQRS * width, q3 + FENCE_IQRS * width)
    return gap >= width and not ends.lower <= value <= ends.upper
