"""Models that predict missing numbers and levels from other columns, or from neighbours in time."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.imputation.fitted import fit_neighbours, fit_trees
from worker_service.core.imputation.prediction import LARGEST
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column, Mask
from worker_service.core.value import Value

MOST_ROWS = 2000
"""The most rows that a model is fitted to, evenly spaced."""
MOST_RANKS = 1_000
"""Rarer texts have one rank together."""
_Rows = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]


def is_squarable(column: Column) -> bool:
    """Return True if the numbers of a column, if it holds any, can be squared and summed."""
    if not column.is_number or not column.known:
        return True
    extremes = pc.min_max(column.array).as_py()
    return max(abs(float(extremes["min"])), abs(float(extremes["max"]))) <= LARGEST


class FeatureEncoding(Value):
    """How a column becomes numbers for a model."""

    levels: tuple[str, ...] | None
    """The texts from the most frequent on, as canonical text; None for a column of other values."""


def feature_encoding(column: Column) -> FeatureEncoding:
    """Return the encoding of a column: the ranks of its most frequent texts, or its numbers as they are."""
    if not column.is_text:
        return FeatureEncoding(levels=None)
    levels = column.derive(distinct)
    texts = levels.values.take(pa.array(levels.by_frequency()[:MOST_RANKS])).to_pylist()
    return FeatureEncoding(levels=tuple(texts))


def feature_matrix(columns: Sequence[Column], encodings: Sequence[FeatureEncoding] | None = None) -> Numbers:
    """Return a number for each cell, of shape (rows, columns), encoded by encodings or as `encode_feature` does."""
    if encodings is None:
        return np.stack([column.derive(encode_feature) for column in columns], axis=1)
    return np.stack([_encode(column, how) for column, how in zip(columns, encodings, strict=True)], axis=1)


def encode_feature(column: Column) -> Numbers:
    """Encode a column as numbers, NaN for missing: timestamps as days, text as frequency ranks."""
    return _encode(column, feature_encoding(column))


def _encode(column: Column, encoding: FeatureEncoding) -> Numbers:
    if encoding.levels is not None:
        levels = column.derive(distinct)
        ranks = pc.index_in(levels.values, value_set=pa.array(encoding.levels, pa.string()))
        # A text that is not among them is as rare as the rarest.
        by_level = np.append(ranks.fill_null(len(encoding.levels)).to_numpy().astype(np.float64), np.nan)
        return np.asarray(by_level[levels.codes])
    if column.is_timestamp:
        ticks = column.array.cast(TIMESTAMP).cast("int64").to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(column.present(), ticks / 86_400e6, np.nan)
    return np.clip(column.numbers(), -LARGEST, LARGEST)


def sample_rows(rows: _Rows) -> _Rows:
    """Return at most `MOST_ROWS` of some row indices, evenly spaced."""
    return rows[:: max(1, -(-len(rows) // MOST_ROWS))]


def predict_by_neighbours(table: Numbers, values: Numbers, train: _Rows, test: _Rows) -> Numbers:
    """Predict the mean of the nearest training rows, weighted by inverse distance.

    Args:
        table: the predictors, of shape (rows, columns); NaN for missing.
        values: the column to predict, of shape (rows,); only the training rows are read.
        train: the indices of the rows to fit the model to.
        test: the indices of the rows to predict.
    """
    return fit_neighbours(table[train], values[train], is_class=False).predict(table[test])


def predict_levels_by_neighbours(table: Numbers, codes: _Codes, train: _Rows, test: _Rows) -> _Codes:
    """Predict the most frequent level of the nearest training rows, weighted by inverse distance.

    The arguments are those of `predict_by_neighbours`, with level codes as values.
    """
    return fit_neighbours(table[train], codes[train], is_class=True).predict(table[test]).astype(np.int32)


def predict_by_boosting(table: Numbers, values: Numbers, train: _Rows, test: _Rows) -> Numbers:
    """Predict numbers by gradient-boosted trees.

    The arguments are those of `predict_by_neighbours`.
    """
    return fit_trees(table[train], values[train], is_class=False).predict(table[test])


def predict_levels_by_boosting(table: Numbers, codes: _Codes, train: _Rows, test: _Rows) -> _Codes:
    """Predict the most likely level by gradient-boosted trees.

    The arguments are those of `predict_by_neighbours`, with level codes as values.
    """
    return fit_trees(table[train], codes[train], is_class=True).predict(table[test]).astype(np.int32)


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
