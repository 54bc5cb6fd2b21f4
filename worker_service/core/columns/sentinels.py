"""Numbers that stand for a missing value, such as 999 in a column of ages."""

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.stats.fences import FENCE_IQRS, Numbers, widen
from worker_service.core.stats.summary import Value, quantiles, run_lengths
from worker_service.core.table.frame import Column

FEWEST_CELLS = 3
SMALLEST_SHARE = 0.005
"""A sentinel fills at least this share of the known cells; an error of typing does not repeat like that."""
FEWEST_APART = 5
"""A number that is no typical sentinel but stands apart from all others may be a code if it repeats so often."""
FEWEST_VALUES = 10
"""A column with at most so many other values holds codes or ratings, in which any number may mean something."""
FEWEST_OTHERS = 20
MANY_TIMES = 8
"""Among codes and ratings nines stand for missing if they are so many times as large as all others."""
_UNMISTAKABLE = re.compile(r"-?9{3,10}")
"""These are no slip of a few fingers, so a few cells are enough."""
_NINES = re.compile(r"9{2,10}")
_NEGATIVE = re.compile(r"-(1|9{1,10})")
_BELOW_ANYTHING = -999
_NEGATIVE_GAP = 0.25


class Sentinel(Value):
    """A number that stands for missing, and how many cells hold it."""

    value: float
    count: int


class Sentinels(Value):
    """The numbers of a column that stand apart from all others."""

    sure: tuple[Sentinel, ...] = ()
    """Typical ones, which stand for missing."""
    perhaps: tuple[Sentinel, ...] = ()
    """Repeated ones that may be codes or real, such as 0 among blood pressures."""


def find_sentinels(column: Column) -> Sentinels:
    """The numbers of a numeric column that repeat far outside of all others, typical sentinels apart from the rest."""
    found = column.derive(run_lengths)
    values, counts = found.values.astype(np.float64, copy=False), found.counts
    low, high = 0, len(values)
    sure: list[Sentinel] = []
    perhaps: list[Sentinel] = []
    while high - low > 2:
        for place in (-1, 0):
            kind = _kind(values[low:high], counts[low:high], place=place)
            if kind is not None:
                at = high - 1 if place else low
                told = Sentinel(value=float(values[at]), count=int(counts[at]))
                (sure if kind == "sure" else perhaps).append(told)
                low, high = (low, high - 1) if place else (low + 1, high)
                break
        else:
            break
    return Sentinels(sure=tuple(sure), perhaps=tuple(perhaps))


def mask(column: Column, sentinels: tuple[Sentinel, ...]) -> Column:
    """The column with its sentinels missing; the same column where it has none."""
    return column.derive(without, tuple(sentinel.value for sentinel in sentinels)) if sentinels else column


def without(column: Column, values: tuple[float, ...]) -> Column:
    """A numeric column in which the cells with these values are missing."""
    fitting = [value for value in values if not column.is_integer or (value.is_integer() and abs(value) < 2**53)]
    held = pc.is_in(column.array, value_set=pa.array(fitting, pa.float64()).cast(column.type))
    return Column(pc.if_else(held, pa.scalar(None, column.type), column.array))


def _kind(
    values: Numbers, counts: npt.NDArray[np.int64], *, place: Literal[-1, 0]
) -> Literal["sure", "perhaps"] | None:
    """Whether the smallest (`place` 0) or largest (-1) value stands for missing among the others."""
    value, repeats, known = float(values[place]), int(counts[place]), int(counts.sum())
    if repeats < FEWEST_CELLS or not value.is_integer() or abs(value) >= 1e10:
        return None
    others = slice(1, None) if place == 0 else slice(None, -1)
    few, text = len(values) <= FEWEST_VALUES + 1, str(int(value))
    typical = (_NEGATIVE if place == 0 else _NINES).fullmatch(text) is not None
    if few and not (typical and value >= MANY_TIMES * values[-2] > 0):
        return None
    often = repeats >= SMALLEST_SHARE * known
    if not (typical and (often or _UNMISTAKABLE.fullmatch(text))) and not (often and repeats >= FEWEST_APART):
        return None
    rest = np.repeat(values[others], counts[others])
    if len(rest) < FEWEST_OTHERS or not _far(value, rest):
        return None
    return "sure" if typical else "perhaps"


def _far(value: float, rest: Numbers) -> bool:
    """Whether a value lies beyond the fences of the others, with a gap between."""
    q1, q3 = quantiles(rest, (0.25, 0.75))
    width = q3 - q1
    if not 0 < width < np.inf:
        return False
    gap = float(max(rest[0] - value, value - rest[-1]))
    if value < 0 <= rest[0] and _NEGATIVE.fullmatch(str(int(value))):
        return value <= _BELOW_ANYTHING or gap >= _NEGATIVE_GAP * width
    ends = widen(rest, q1 - FENCE_IQRS * width, q3 + FENCE_IQRS * width)
    return gap >= width and not ends.lower <= value <= ends.upper
