"""Guessing missing numbers and levels from the other columns of their rows, or from their neighbours in time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column, Mask

MOST_ROWS = 2000
"""So many rows, evenly spaced, teach a model."""
NEIGHBOURS = 8
LARGEST = 1e100
"""Beyond it squares and their sums overflow."""
_LEAST_SPREAD = 1e-12
_BOOSTING: dict[str, Any] = {
    "max_iter": 50,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "early_stopping": False,
    "random_state": 0,
}
MOST_TREES = 120
"""A classifier needs a tree for each level in each turn."""
_Places = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]


def moderate(column: Column) -> bool:
    """Whether the numbers of a column, if it holds any, can be squared and summed up."""
    if not column.is_number or not column.known:
        return True
    ends = pc.min_max(column.array).as_py()
    return max(abs(float(ends["min"])), abs(float(ends["max"]))) <= LARGEST


def features(columns: Sequence[Column]) -> Numbers:
    """A number for each cell, rows × columns: moments as days, categories by their frequency rank; NaN for missing."""
    return np.stack([column.derive(feature) for column in columns], axis=1)


def feature(column: Column) -> Numbers:
    """The numbers of one column as `features` have them."""
    if column.is_text:
        found = column.derive(distinct)
        ranks = np.empty(len(found.values) + 1)
        ranks[found.by_frequency()] = np.arange(len(found.values))
        ranks[-1] = np.nan
        return ranks[found.codes]
    if column.is_timestamp:
        ticks = column.array.cast(TIMESTAMP).cast("int64").to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(column.present(), ticks / 86_400e6, np.nan)
    return column.numbers()


def sampled(places: _Places) -> _Places:
    """At most `MOST_ROWS` of some rows, evenly spaced."""
    return places[:: max(1, -(-len(places) // MOST_ROWS))]


def by_neighbours(table: Numbers, values: Numbers, seen: _Places, wanted: _Places) -> Numbers:
    """The mean of the nearest of the rows `seen`, weighted by nearness, columns on one scale."""
    scaled = _on_one_scale(table, seen)
    model = KNeighborsRegressor(min(NEIGHBOURS, len(seen)), weights="distance")
    guesses: Numbers = model.fit(scaled[seen], values[seen]).predict(scaled[wanted])
    return guesses


def levels_by_neighbours(table: Numbers, codes: _Codes, seen: _Places, wanted: _Places) -> _Codes:
    """The level that most of the nearest of the rows `seen` have, weighted by nearness."""
    scaled = _on_one_scale(table, seen)
    model = KNeighborsClassifier(min(NEIGHBOURS, len(seen)), weights="distance")
    guesses: _Codes = model.fit(scaled[seen], codes[seen]).predict(scaled[wanted])
    return guesses


def _on_one_scale(table: Numbers, seen: _Places) -> Numbers:
    known = np.where(np.isnan(table[seen]).all(axis=0), 0.0, table[seen])
    middle, spread = np.nanmedian(known, axis=0), np.nanstd(known, axis=0)
    # What hardly differs in comparison with its size would be blown up beyond all numbers.
    spread[~(spread > _LEAST_SPREAD * np.maximum(1.0, np.abs(middle)))] = 1.0
    scaled: Numbers = (np.where(np.isnan(table), middle, table) - middle) / spread
    return scaled


def by_boosting(table: Numbers, values: Numbers, seen: _Places, wanted: _Places) -> Numbers:
    """What small trees, each correcting the ones before, learn from the rows `seen`."""
    middle, spread = values[seen].mean(), values[seen].std()
    # The trees add up gradients in single precision.
    scale = spread if spread > _LEAST_SPREAD * max(1.0, abs(middle)) else 1.0
    model = HistGradientBoostingRegressor(**_BOOSTING).fit(table[seen], (values[seen] - middle) / scale)
    guesses: Numbers = model.predict(table[wanted]) * scale + middle
    return guesses


def levels_by_boosting(table: Numbers, codes: _Codes, seen: _Places, wanted: _Places) -> _Codes:
    """The level that small trees, each correcting the ones before, find most likely."""
    levels = len(np.unique(codes[seen]))
    if levels < 2:
        return np.full(len(wanted), codes[seen][0])
    turns = min(_BOOSTING["max_iter"], max(3, MOST_TREES // levels))
    model = HistGradientBoostingClassifier(**{**_BOOSTING, "max_iter": turns})
    guesses: _Codes = model.fit(table[seen], codes[seen]).predict(table[wanted])
    return guesses


def by_time(ticks: Numbers, values: Numbers, wanted: _Places, known: Mask) -> Numbers:
    """On the straight line between the known values before and after; `ticks` must ascend."""
    guesses: Numbers = np.interp(ticks[wanted], ticks[known], values[known])
    return guesses


def group_modes(groups: _Codes, codes: _Codes, seen: _Places) -> Mapping[int, int]:
    """The most frequent level of each group among the rows `seen`, the first of several; unknown ones are left out."""
    both = seen[(groups[seen] >= 0) & (codes[seen] >= 0)]
    pairs, sizes = np.unique(np.stack([groups[both], codes[both]]), axis=1, return_counts=True)
    order = np.lexsort((-sizes, pairs[0]))
    firsts = order[np.unique(pairs[0][order], return_index=True)[1]]
    return {int(group): int(code) for group, code in pairs[:, firsts].T}


def group_medians(codes: _Codes, values: Numbers, seen: _Places) -> Mapping[int, float]:
    """The median of each group among the rows `seen`; groups without any are absent."""
    order = seen[np.argsort(codes[seen], kind="stable")]
    groups, starts = np.unique(codes[order], return_index=True)
    parts = np.split(values[order], starts[1:])
    return {int(group): float(np.median(part)) for group, part in zip(groups, parts, strict=True) if group >= 0}
