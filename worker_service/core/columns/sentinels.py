"""Sentinels: numbers that stand for a missing value, such as 999 in a column of ages."""

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.stats.fences import FENCE_IQRS, Numbers, widen
from worker_service.core.stats.summary import quantiles, run_lengths
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

FEWEST_CELLS = 3
"""A sentinel fills at least this many cells."""
SMALLEST_SHARE = 0.005
"""A sentinel fills at least this share of the known cells; a typing error does not repeat that often."""
FEWEST_APART = 5
"""A number that is no typical sentinel but lies far from all others may be one if it fills this many cells."""
FEWEST_VALUES = 10
"""A column with at most this many other values holds codes or ratings, in which any number may be valid."""
FEWEST_OTHERS = 20
"""Fewer other cells do not show what is far from them."""
MANY_TIMES = 8
"""Among codes and ratings, nines stand for missing if they are this many times as large as all other values."""
_UNMISTAKABLE = re.compile(r"-?9{3,10}")
"""Numbers that are never typing errors, so that few cells are enough."""
_NINES = re.compile(r"9{2,10}")
_NEGATIVE = re.compile(r"-(1|9{1,10})")
_LARGEST_WITHOUT_GAP = -999
"""A negative sentinel up to this number needs no gap to the other values."""
_NEGATIVE_GAP = 0.25
"""The gap, in interquartile ranges, between other negative sentinels and the other values."""


class Sentinel(Value):
    """A number that stands for missing, and the number of cells that hold it."""

    value: float
    count: int


class Sentinels(Value):
    """The repeated numbers of a column that lie far from all others."""

    sure: tuple[Sentinel, ...] = ()
    """Typical ones, which stand for missing."""
    perhaps: tuple[Sentinel, ...] = ()
    """Repeated ones that may be codes or real, such as 0 among blood pressures."""


def find_sentinels(column: Column) -> Sentinels:
    """Return the numbers of a numeric column that repeat and lie far from all others."""
    runs = column.derive(run_lengths)
    values, counts = runs.values.astype(np.float64, copy=False), runs.counts
    low, high = 0, len(values)
    sure: list[Sentinel] = []
    perhaps: list[Sentinel] = []
    while high - low > 2:
        for end in (-1, 0):
            kind = _classify_extreme(values[low:high], counts[low:high], end=end)
            if kind is not None:
                index = high - 1 if end else low
                sentinel = Sentinel(value=float(values[index]), count=int(counts[index]))
                (sure if kind == "sure" else perhaps).append(sentinel)
                low, high = (low, high - 1) if end else (low + 1, high)
                break
        else:
            break
    return Sentinels(sure=tuple(sure), perhaps=tuple(perhaps))


def mask_sentinels(column: Column, sentinels: tuple[Sentinel, ...]) -> Column:
    """Return the column with its sentinels missing; the same column if it has none."""
    return column.derive(mask_values, tuple(sentinel.value for sentinel in sentinels)) if sentinels else column


def mask_values(column: Column, values: tuple[float, ...]) -> Column:
    """Return a numeric column in which the cells with these values are missing."""
    representable = [value for value in values if not column.is_integer or (value.is_integer() and abs(value) < 2**53)]
    is_masked = pc.is_in(column.array, value_set=pa.array(representable, pa.float64()).cast(column.type))
    return Column(pc.if_else(is_masked, pa.scalar(None, column.type), column.array))


def _classify_extreme(
    values: Numbers, counts: npt.NDArray[np.int64], *, end: Literal[-1, 0]
) -> Literal["sure", "perhaps"] | None:
    """Return how likely the smallest (`end` 0) or largest (-1) value stands for missing; None if it is ordinary."""
    value, repeats, known = float(values[end]), int(counts[end]), int(counts.sum())
    if repeats < FEWEST_CELLS or not value.is_integer() or abs(value) >= 1e10:
        return None
    others = slice(1, None) if end == 0 else slice(None, -1)
    has_few_values, text = len(values) <= FEWEST_VALUES + 1, str(int(value))
    is_typical = (_NEGATIVE if end == 0 else _NINES).fullmatch(text) is not None
    if has_few_values and not (is_typical and value >= MANY_TIMES * values[-2] > 0):
        return None
    is_frequent = repeats >= SMALLEST_SHARE * known
    is_sure = is_typical and (is_frequent or _UNMISTAKABLE.fullmatch(text))
    if not is_sure and not (is_frequent and repeats >= FEWEST_APART):
        return None
    rest = np.repeat(values[others], counts[others])
    if len(rest) < FEWEST_OTHERS or not _is_far(value, rest):
        return None
    return "sure" if is_typical else "perhaps"


def _is_far(value: float, rest: Numbers) -> bool:
    """Return True if a value lies beyond the fences of the others, with a gap between."""
    q1, q3 = quantiles(rest, (0.25, 0.75))
    width = q3 - q1
    if not 0 < width < np.inf:
        return False
    gap = float(max(rest[0] - value, value - rest[-1]))
    if value < 0 <= rest[0] and _NEGATIVE.fullmatch(str(int(value))):
        return value <= _LARGEST_WITHOUT_GAP or gap >= _NEGATIVE_GAP * width
    fences = widen(rest, q1 - FENCE_IQRS * width, q3 + FENCE_IQRS * width)
    return gap >= width and not fences.lower <= value <= fences.upper
