"""Models that predict missing numbers and levels from other columns, or from neighbours in time."""

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
"""The most rows that a model is fitted to, evenly spaced."""
NEIGHBOURS = 8
LARGEST = 1e100
"""Squares of larger numbers and the sums of those squares overflow."""
_LEAST_SPREAD = 1e-12
_BOOSTING: dict[str, Any] = {
    "max_iter": 50,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 10,
    "early_stopping": False,
    "random_state": 0,
}
MOST_TREES = 120
"""A classifier needs one tree for each level in each iteration."""
_Rows = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]


def is_squarable(column: Column) -> bool:
    """Return True if the numbers of a column, if it holds any, can be squared and summed."""
    if not column.is_number or not column.known:
        return True
    extremes = pc.min_max(column.array).as_py()
    return max(abs(float(extremes["min"])), abs(float(extremes["max"]))) <= LARGEST


def feature_matrix(columns: Sequence[Column]) -> Numbers:
    """Return a number for each cell, of shape (rows, columns), encoded by `encode_feature`."""
    return np.stack([column.derive(encode_feature) for column in columns], axis=1)


def encode_feature(column: Column) -> Numbers:
    """Encode a column as numbers, NaN for missing: timestamps as days, text as frequency ranks."""
    if column.is_text:
        levels = column.derive(distinct)
        ranks = np.empty(len(levels.values) + 1)
        ranks[levels.by_frequency()] = np.arange(len(levels.values))
        ranks[-1] = np.nan
        return ranks[levels.codes]
    if column.is_timestamp:
        ticks = column.array.cast(TIMESTAMP).cast("int64").to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(column.present(), ticks / 86_400e6, np.nan)
    return column.numbers()


def sample_rows(rows: _Rows) -> _Rows:
    """Return at most `MOST_ROWS` of some row indices, evenly spaced."""
    return rows[:: max(1, -(-len(rows) // MOST_ROWS))]


def predict_by_neighbours(table: Numbers, values: Numbers, train: _Rows, test: _Rows) -> Numbers:
    """Predict the mean of the nearest training rows, weighted by inverse distance.

    The columns are standardised first.

    Args:
        table: the predictors, of shape (rows, columns); NaN for missing.
        values: the column to predict, of shape (rows,); only the training rows are read.
        train: the indices of the rows to fit the model to.
        test: the indices of the rows to predict.
    """
    scaled = _standardise(table, train)
    model = KNeighborsRegressor(min(NEIGHBOURS, len(train)), weights="distance")
    predicted: Numbers = model.fit(scaled[train], values[train]).predict(scaled[test])
    return predicted


def predict_levels_by_neighbours(table: Numbers, codes: _Codes, train: _Rows, test: _Rows) -> _Codes:
    """Predict the most frequent level of the nearest training rows, weighted by inverse distance.

    The arguments are those of `predict_by_neighbours`, with level codes as values.
    """
    scaled = _standardise(table, train)
    model = KNeighborsClassifier(min(NEIGHBOURS, len(train)), weights="distance")
    predicted: _Codes = model.fit(scaled[train], codes[train]).predict(scaled[test])
    return predicted


def _standardise(table: Numbers, train: _Rows) -> Numbers:
    """Centre and scale each column by the training rows; missing cells become the median."""
    known = np.where(np.isnan(table[train]).all(axis=0), 0.0, table[train])
    median, spread = np.nanmedian(known, axis=0), np.nanstd(known, axis=0)
    # Dividing by a spread that is tiny compared with the values would make the quotients overflow.
    spread[~(spread > _LEAST_SPREAD * np.maximum(1.0, np.abs(median)))] = 1.0
    scaled: Numbers = (np.where(np.isnan(table), median, table) - median) / spread
    return scaled


def predict_by_boosting(table: Numbers, values: Numbers, train: _Rows, test: _Rows) -> Numbers:
    """Predict numbers by gradient-boosted trees.

    The arguments are those of `predict_by_neighbours`.
    """
    mean, spread = values[train].mean(), values[train].std()
    # The values are scaled because the trees add up gradients in single precision.
    scale = spread if spread > _LEAST_SPREAD * max(1.0, abs(mean)) else 1.0
    table = _without_unknown_columns(table, train)
    model = HistGradientBoostingRegressor(**_BOOSTING).fit(table[train], (values[train] - mean) / scale)
    predicted: Numbers = model.predict(table[test]) * scale + mean
    return predicted


def predict_levels_by_boosting(table: Numbers, codes: _Codes, train: _Rows, test: _Rows) -> _Codes:
    """Predict the most likely level by gradient-boosted trees.

    The arguments are those of `predict_by_neighbours`, with level codes as values.
    """
    levels = len(np.unique(codes[train]))
    if levels < 2:
        return np.full(len(test), codes[train][0])
    iterations = min(_BOOSTING["max_iter"], max(3, MOST_TREES // levels))
    table = _without_unknown_columns(table, train)
    model = HistGradientBoostingClassifier(**{**_BOOSTING, "max_iter": iterations})
    predicted: _Codes = model.fit(table[train], codes[train]).predict(table[test])
    return predicted


def _without_unknown_columns(table: Numbers, train: _Rows) -> Numbers:
    """Return the table with zeros for the columns that no training row knows, which the trees could not bin."""
    unknown = np.isnan(table[train]).all(axis=0)
    return np.where(unknown, 0.0, table) if unknown.any() else table


def interpolate(ticks: Numbers, values: Numbers, test: _Rows, known: Mask) -> Numbers:
    """Interpolate linearly between the known values before and after.

    Args:
        ticks: the time of each row in any unit, ascending.
        values: the column to predict, of shape (rows,).
        test: the indices of the rows to predict.
        known: the mask of the rows to interpolate between.
    """
    predicted: Numbers = np.interp(ticks[test], ticks[known], values[known])
    return predicted


def group_modes(groups: _Codes, codes: _Codes, train: _Rows) -> Mapping[int, int]:
    """Return the most frequent level of each group in the training rows, the first of a tie.

    Rows in which the group or the level is missing (code -1) are left out.
    """
    known = train[(groups[train] >= 0) & (codes[train] >= 0)]
    pairs, sizes = np.unique(np.stack([groups[known], codes[known]]), axis=1, return_counts=True)
    order = np.lexsort((-sizes, pairs[0]))
    firsts = order[np.unique(pairs[0][order], return_index=True)[1]]
    return {int(group): int(code) for group, code in pairs[:, firsts].T}


def group_medians(groups: _Codes, values: Numbers, train: _Rows) -> Mapping[int, float]:
    """Return the median of each group that occurs in the training rows."""
    order = train[np.argsort(groups[train], kind="stable")]
    present, starts = np.unique(groups[order], return_index=True)
    parts = np.split(values[order], starts[1:])
    return {int(group): float(np.median(part)) for group, part in zip(present, parts, strict=True) if group >= 0}
