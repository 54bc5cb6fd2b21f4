"""The baseline of a column: what it held when the recipe was made, small enough to be a part of the recipe."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.stats.summary import ValueCount, ordered, run_lengths
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

MOST_LEVELS = 100
"""A column of more different texts has no levels, but free text or names."""
_FEWEST_PER_LEVEL = 2
"""Levels repeat: on average each is in so many cells."""
_BINS = 10


class ColumnBaseline(Value):
    """What a column held, as the recipe read it."""

    known: int
    """The number of cells with a value."""
    missing: int
    """The number of empty cells, and of those that stand for none."""
    unfit: int
    """The number of cells that held something that does not fit the type."""
    is_unique: bool
    """True if no value is in two cells."""
    minimum: float | str | None = None
    """The smallest number, or the first moment as text; None for other columns."""
    maximum: float | str | None = None
    edges: tuple[float, ...] = ()
    """The bounds between bins of the numbers, ascending; of the lengths of texts without levels."""
    counts: tuple[int, ...] = ()
    """The number of cells in each bin, one more than edges; a number equal to an edge is in the bin below."""
    levels: tuple[ValueCount, ...] | None = None
    """All values of a column of texts that repeat, or of true and false, the most frequent first; None for others."""

    @property
    def rows(self) -> int:
        """The number of cells."""
        return self.known + self.missing + self.unfit

    @property
    def single_levels(self) -> int:
        """The number of levels that are in one cell alone."""
        return sum(level.count == 1 for level in self.levels or ())


def measure_baseline(column: Column, *, unfit: int = 0, is_hidden: bool = False) -> ColumnBaseline:
    """Return the baseline of a column.

    Args:
        column: the column, read as its type and not changed otherwise.
        unfit: the number of cells that did not fit the type.
        is_hidden: True if it held personal data, of which no values are kept.
    """
    is_unique = _is_unique(column)
    common = {"known": column.known, "missing": column.missing - unfit, "unfit": unfit, "is_unique": is_unique}
    # Whole numbers that never repeat are numbers of rows or of things, and go on from file to file.
    if is_hidden or not column.known or (column.is_integer and is_unique):
        return ColumnBaseline(**common)
    if column.is_timestamp:
        # Moments go on from file to file, so that their distribution says nothing.
        first, last = _first_and_last(column)
        return ColumnBaseline(**common, minimum=first, maximum=last)
    if column.is_number:
        values = bin_values(column)
        if not len(values):
            return ColumnBaseline(**common)
        edges, bounds = _edges(values), {"minimum": float(values[0]), "maximum": float(values[-1])}
        return ColumnBaseline(**common, **bounds, edges=edges, counts=count_bins(values, edges))
    if column.is_boolean or _has_levels(column):
        return ColumnBaseline(**common, levels=count_levels(column))
    lengths = bin_values(column)
    edges = _edges(lengths)
    return ColumnBaseline(**common, edges=edges, counts=count_bins(lengths, edges))


def _is_unique(column: Column) -> bool:
    return not column.is_boolean and column.known > 1 and count_distinct(column) == column.known


def count_distinct(column: Column) -> int:
    """Return the number of different values of a column."""
    if column.is_number or column.is_timestamp:
        return len(column.derive(run_lengths).values)
    return len(column.derive(distinct).values)


def _has_levels(column: Column) -> bool:
    levels = len(column.derive(distinct).values)
    return levels <= MOST_LEVELS and column.known >= _FEWEST_PER_LEVEL * levels


def count_levels(column: Column) -> tuple[ValueCount, ...]:
    """Return all different values of a column of texts or booleans, the most frequent first."""
    values = column.derive(distinct)
    order = values.by_frequency()
    texts = render(values.values.take(pa.array(order))).to_pylist()
    return tuple(
        ValueCount(value=text, count=int(values.counts[index])) for text, index in zip(texts, order, strict=True)
    )


def bin_values(column: Column) -> npt.NDArray[np.float64 | np.int64]:
    """Return what the bins of a column's baseline count, ascending: its numbers, or the lengths of its texts."""
    if column.is_number:
        values = column.derive(ordered)
        finite: npt.NDArray[np.float64 | np.int64] = values[np.isfinite(values)]
        return finite
    lengths = pc.utf8_length(column.array.drop_null())
    return np.sort(lengths.to_numpy(zero_copy_only=False).astype(np.int64))


def count_bins(values: npt.NDArray[np.float64 | np.int64], edges: tuple[float, ...]) -> tuple[int, ...]:
    """Return how many of the ascending values are in each bin."""
    below = np.searchsorted(values, np.asarray(edges, np.float64), side="right")
    return tuple(int(count) for count in np.diff([0, *below, len(values)]))


def _edges(values: npt.NDArray[np.float64 | np.int64]) -> tuple[float, ...]:
    """Return the bounds of bins with about the same number of values, fewer where values repeat."""
    positions = np.arange(1, _BINS) * len(values) // _BINS
    edges = np.unique(values[positions].astype(np.float64))
    return tuple(float(edge) for edge in edges[edges < values[-1]])


def _first_and_last(column: Column) -> tuple[str, str]:
    bounds = pc.min_max(column.array)
    first, last = render(pa.array([bounds["min"].as_py(), bounds["max"].as_py()], column.type)).to_pylist()
    return first, last
