"""Signs of dirt in a column that nothing repairs: they lower the quality score and are reported."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from worker_service.core.stats.summary import run_lengths
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

Floats = npt.NDArray[np.float64]

_NUMBER_LIKE = r"^\s*[(+-]?\s*\p{Sc}?\s*\d[\d.,']*(?:[eE][+-]?\d+)?\s*(?:%|\pL{1,4}[²³]?)?\)?\s*$"
_NUMBER_START = r"^\W*\d"
"""What is like a number begins so, which is cheap to look for."""
_MIN_NUMBERS = 0.5
"""A text column with at least this share of numbers was meant to hold numbers."""
_FEW_LEVELS = 20
_FEW_WORDS = 2
"""So few different words among few numbers are levels, such as `3+` beside 0, 1 and 2."""
_FAR_RANGES = 10
"""Far numbers are further from the quartiles than this many quartile ranges,"""
_FAR_GAP = 3
"""and the nearest of them is so many times as far as the last of the others, so that no tail leads to them."""
_GENERATED_NAME = re.compile(r"(?:column|unnamed|field|spalte|colonne|columna)[ _:]*\d+(?:_level_\d+)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


class CellFaults(Value):
    """Counts of cells and signs that no rule repairs."""

    mixed: int
    """Words in a column of text that is mostly numbers."""
    far: int
    """Numbers that are extreme beside the others, whatever the shape of the distribution."""
    is_named_by_value: bool
    """True if the name is generated, or is itself a value of the column, as of a file without a header."""


def find_cell_faults(name: str, typed: Column) -> CellFaults:
    """Return the faults of a column that has been read."""
    return CellFaults(
        mixed=typed.derive(_count_mixed) if typed.is_text else 0,
        far=typed.derive(_count_far) if typed.is_number else 0,
        is_named_by_value=_is_named_by_value(name, typed),
    )


def _count_mixed(column: Column) -> int:
    levels = column.derive(distinct)
    is_likely = pc.match_substring_regex(levels.values, _NUMBER_START).to_numpy(zero_copy_only=False)
    if not len(levels.values) or levels.counts[is_likely].sum() < _MIN_NUMBERS * levels.counts.sum():
        return 0
    is_number = pc.match_substring_regex(levels.values, _NUMBER_LIKE).to_numpy(zero_copy_only=False)
    numbers, words = int(levels.counts[is_number].sum()), int(levels.counts[~is_number].sum())
    are_levels = len(levels.values) <= _FEW_LEVELS and int((~is_number).sum()) <= _FEW_WORDS
    return words if numbers >= _MIN_NUMBERS * (numbers + words) and not are_levels else 0


def _count_far(column: Column) -> int:
    runs = column.derive(run_lengths)
    values = runs.values.astype(np.float64)
    if len(values) <= 2:
        return 0
    total = np.cumsum(runs.counts)
    first, third = (values[np.searchsorted(total, share * total[-1])] for share in (0.25, 0.75))
    with np.errstate(over="ignore", invalid="ignore"):
        reach = _FAR_RANGES * (third - first)
        above, below = values - third, first - values[::-1]
    if not 0 < reach < np.inf:
        return 0
    return _count_beyond_gap(above, runs.counts, reach) + _count_beyond_gap(below, runs.counts[::-1], reach)


def _count_beyond_gap(distances: Floats, counts: npt.NDArray[np.int64], reach: float) -> int:
    """Return the cells beyond the first gap behind the reach.

    Args:
        distances: the ascending distances of the distinct values from a quartile, negative on its other side.
        counts: the cells of each distinct value.
        reach: the distance up to which no value is far.
    """
    nearer = np.maximum(distances[:-1], reach / _FAR_RANGES)
    gaps = np.flatnonzero((distances[1:] > reach) & (distances[1:] / _FAR_GAP >= nearer))
    if not len(gaps):
        return 0
    return int(counts[gaps[0] + 1 :].sum())


def _is_named_by_value(name: str, typed: Column) -> bool:
    """Return True if a name is generated, or could stand in one of the cells below it."""
    if _GENERATED_NAME.fullmatch(name.strip()):
        return True
    bare = re.sub(r"_\d+$", "", name.strip())
    if typed.is_number:
        runs = typed.derive(run_lengths)
        is_in_range = bool(len(runs.values)) and bool(_NUMBER.fullmatch(bare))
        return is_in_range and float(runs.values[0]) <= float(bare) <= float(runs.values[-1])
    if not typed.is_text or typed.known < 2 or not bare:
        return False
    return bool(pc.any(pc.equal(typed.derive(distinct).values, bare)).as_py())
