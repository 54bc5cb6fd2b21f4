"""Guessing missing numbers from the other columns of their rows, or from their neighbours in time."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neighbors import KNeighborsRegressor

from worker_service.core.distinct import distinct
from worker_service.core.fences import Numbers
from worker_service.core.frame import TIMESTAMP, Column, Mask

MOST_ROWS = 2000
"""So many rows, evenly spaced, teach a model."""
NEIGHBOURS = 8
_BOOSTING = {"max_iter": 50, "max_leaf_nodes": 15, "min_samples_leaf": 10, "early_stopping": False, "random_state": 0}
_Places = npt.NDArray[np.int64]


def features(columns: Sequence[Column]) -> Numbers:
    """A number for each cell, rows × columns: moments as days, categories by their frequency rank; NaN for missing."""
    return np.stack([_feature(column) for column in columns], axis=1)


def _feature(column: Column) -> Numbers:
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
    middle = np.nan_to_num(np.nanmedian(table[seen], axis=0))
    spread = np.nanstd(table[seen], axis=0)
    spread[~(spread > 0)] = 1.0
    scaled = (np.where(np.isnan(table), middle, table) - middle) / spread
    model = KNeighborsRegressor(min(NEIGHBOURS, len(seen)), weights="distance")
    guesses: Numbers = model.fit(scaled[seen], values[seen]).predict(scaled[wanted])
    return guesses


def by_boosting(table: Numbers, values: Numbers, seen: _Places, wanted: _Places) -> Numbers:
    """What small trees, each correcting the ones before, learn from the rows `seen`."""
    model = HistGradientBoostingRegressor(**_BOOSTING)
    guesses: Numbers = model.fit(table[seen], values[seen]).predict(table[wanted])
    return guesses


def by_time(ticks: Numbers, values: Numbers, wanted: _Places, known: Mask) -> Numbers:
    """On the straight line between the known values before and after; `ticks` must ascend."""
    guesses: Numbers = np.interp(ticks[wanted], ticks[known], values[known])
    return guesses


def group_medians(codes: npt.NDArray[np.int32], values: Numbers, seen: _Places) -> Mapping[int, float]:
    """The median of each group among the rows `seen`; groups without any are absent."""
    order = seen[np.argsort(codes[seen], kind="stable")]
    groups, starts = np.unique(codes[order], return_index=True)
    parts = np.split(values[order], starts[1:])
    return {int(group): float(np.median(part)) for group, part in zip(groups, parts, strict=True) if group >= 0}
