"""The predictions of fitted models, as functions of arrays.

They know nothing but arrays, so that exported programs can hold their source.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from worker_service.core.stats.fences import Numbers

NEIGHBOURS = 8
LARGEST = 1e100
"""Squares of larger numbers and the sums of those squares overflow."""
LARGEST_DISTANCE = 1e12
"""A row that is so many standard deviations away is far; squares of larger numbers would overflow."""


def predict_by_nearest_rows(
    table: Numbers,
    *,
    is_class: bool,
    medians: Sequence[float],
    spreads: Sequence[float],
    rows: npt.NDArray[Any],
    values: npt.NDArray[Any],
) -> Numbers:
    """Return the mean or the vote of the nearest rows, weighted by inverse distance, for each row of a table.

    It does not depend on the other rows of the table, as it would by the last bit with matrix products.

    Args:
        table: the rows to predict for, of shape (rows, columns), NaN where a cell is missing.
        is_class: True if the values are indices of levels.
        medians: what is subtracted from each column, and stands for what is missing in it.
        spreads: what each column is divided by.
        rows: the standardised rows to look among, of shape (rows, columns).
        values: their values.
    """
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    scaled = (np.where(np.isnan(table), medians, table) - np.asarray(medians)) / np.asarray(spreads)
    scaled = np.clip(scaled, -LARGEST_DISTANCE, LARGEST_DISTANCE)
    neighbours = (KNeighborsClassifier if is_class else KNeighborsRegressor)(
        min(NEIGHBOURS, len(rows)), weights="distance", algorithm="kd_tree"
    )
    predicted: Numbers = neighbours.fit(rows.astype(np.float64), values).predict(scaled)
    return predicted


def predict_by_trees(
    table: Numbers,
    *,
    classes: Sequence[int],
    baseline: Sequence[float],
    offset: float,
    scale: float,
    **nodes: npt.NDArray[Any],
) -> Numbers:
    """Return the sum of the leaves of all trees, or the class for which they speak, for each row of a table.

    Args:
        table: the rows to predict for, of shape (rows, columns), NaN where a cell is missing.
        classes: the indices of the levels; none if numbers are predicted.
        baseline: what the leaves are added to, one number for each sum.
        offset: what is added to a predicted number,
        scale: which is multiplied before.
        **nodes: the arrays of the nodes: `roots`, `columns` (-1 for a leaf), `thresholds`, `lefts`, `rights`,
            `missing_left` and `leaves`.
    """
    sums = np.tile(np.asarray(baseline, dtype=np.float64), (len(table), 1))
    columns, thresholds, leaves = nodes["columns"], nodes["thresholds"], nodes["leaves"]
    lefts, rights, missing_left = nodes["lefts"], nodes["rights"], nodes["missing_left"]
    for tree, root in enumerate(nodes["roots"].tolist()):
        at_node = np.full(len(table), root)
        rows = np.flatnonzero(columns[at_node] >= 0)
        while len(rows):
            at = at_node[rows]
            cells = table[rows, columns[at]]
            is_left = np.where(np.isnan(cells), missing_left[at] == 1, cells <= thresholds[at])
            at_node[rows] = np.where(is_left, lefts[at], rights[at])
            rows = rows[columns[at_node[rows]] >= 0]
        sums[:, tree % len(baseline)] += leaves[at_node]
    if not len(classes):
        return np.asarray(sums[:, 0] * scale + offset)
    best = sums.argmax(axis=1) if sums.shape[1] > 1 else (sums[:, 0] > 0).astype(np.intp)
    codes: Numbers = np.asarray(classes)[np.minimum(best, len(classes) - 1)]
    return codes
