"""How well the other columns predict a column."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from worker_service.core.imputation.models import feature_matrix, is_squarable, sample_rows
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

FEWEST_ROWS = 60
MOST_CLASSES = 20
"""A numeric column with more different values is a quantity."""
MOST_COLUMNS = 100
_MOST_LEAVES, _SMALLEST_LEAF = 32, 5
_PREDICTORS = ("integer", "decimal", "boolean", "category", "timestamp")
Codes = npt.NDArray[np.int64]


class Described(Protocol):
    """The facts about a column that are read here."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...


def predictability(name: str, columns: Sequence[Described], values: Mapping[str, Column]) -> float | None:
    """Return how much better a tree over the other columns predicts a column than a constant does.

    Args:
        name: the column to predict.
        columns: the columns of the table; the first `MOST_COLUMNS` of a suitable type are predictors.
        values: the values of each column, by name.

    Returns:
        0 for no better to 1 for perfectly, on rows that the tree was not fitted to: of numbers the share of the
        variance explained, of classes the share of the errors avoided. None where too few rows are known.
    """
    rows = sample_rows(np.flatnonzero(values[name].present()))
    others = [
        column.name
        for column in columns
        if column.name != name and column.type in _PREDICTORS and is_squarable(values[column.name])
    ]
    if len(rows) < FEWEST_ROWS or not others or not is_squarable(values[name]):
        return None
    target, is_classes = encode_target(take_rows(values[name], rows))
    table = feature_matrix([take_rows(values[other], rows) for other in others[:MOST_COLUMNS]])
    ranks = rank_cells(table)
    scores = [tree_score(ranks, target, train, is_classes=is_classes) for train in random_halves(len(rows))]
    return max(0.0, float(np.mean(scores)))


def rank_cells(table: Numbers) -> npt.NDArray[np.intp]:
    """Return the rank of each cell within its column, which is all that a tree uses; a missing one counts as 0."""
    return np.stack([np.unique(column, return_inverse=True)[1] for column in np.nan_to_num(table).T], axis=1)


def take_rows(column: Column, rows: npt.NDArray[np.int64]) -> Column:
    """Return some rows of a column."""
    return Column(column.array.take(pa.array(rows)))


def encode_target(column: Column) -> tuple[Numbers | Codes, bool]:
    """Return the column as class codes or as quantities, and True for class codes."""
    codes: Codes = column.derive(distinct).codes.astype(np.int64)
    if column.is_number and codes.max(initial=0) >= MOST_CLASSES:
        return column.numbers(), False
    # With nearly as many classes as rows, most classes of one half would not occur in the other.
    return codes, not (column.is_timestamp or codes.max(initial=0) >= len(column) / 5)


def random_halves(rows: int) -> tuple[Mask, Mask]:
    """Return the masks of two random halves of the rows."""
    half = np.random.default_rng(0).permutation(rows) % 2 == 0
    return half, ~half


def best_score(feature: Numbers, target: Numbers | Codes, test: Mask, *, is_classes: bool) -> float:
    """Return what no tree over one feature can exceed in `tree_score`, whatever it was fitted to.

    Two rows that are next to each other by the feature get the same prediction, unless one of the few cuts of the tree
    lies between them: of every such pair, half the squared difference or one error is left.

    Args:
        feature: the predictor, of shape (rows,).
        target: class codes or quantities, of shape (rows,).
        test: the mask of the rows that would be predicted.
        is_classes: True if `target` holds class codes.
    """
    truth = target[test][np.argsort(feature[test], kind="stable")]
    first, second = truth[: len(truth) // 2 * 2].reshape(-1, 2).T
    left = (first != second).astype(np.float64) if is_classes else (first - second) ** 2 / 2
    cuts = min(_MOST_LEAVES - 1, len(left))
    least_error = float(np.partition(left, len(left) - cuts)[: len(left) - cuts].sum()) if cuts < len(left) else 0.0
    if not is_classes:
        spread = float(((truth - truth.mean()) ** 2).sum())
        return 1 - least_error / spread if spread else 0.0
    avoidable = len(truth) - int(np.bincount(truth.astype(np.int64)).max())
    return 1 - least_error / avoidable if avoidable else 0.0


def tree_score(table: npt.NDArray[np.generic], target: Numbers | Codes, train: Mask, *, is_classes: bool) -> float:
    """Return what a tree fitted to the training rows explains in the others.

    Args:
        table: the predictors, of shape (rows, columns).
        target: class codes or quantities, of shape (rows,).
        train: the mask of the rows to fit the tree to.
        is_classes: True if `target` holds class codes.

    Returns:
        The share of the variance that is explained, or of the errors that are avoided; negative if worse than a
        constant.
    """
    model = DecisionTreeClassifier if is_classes else DecisionTreeRegressor
    tree = model(max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=_SMALLEST_LEAF, random_state=0)
    # Trees hold single precision; they check as long as they take to fit a small table.
    table = np.ascontiguousarray(table, dtype=np.float32)
    predicted = tree.fit(table[train], target[train], check_input=False).predict(table[~train], check_input=False)
    truth = target[~train]
    if not is_classes:
        spread = float(((truth - truth.mean()) ** 2).sum())
        return 1 - float(((truth - predicted) ** 2).sum()) / spread if spread else 0.0
    baseline = float(np.bincount(truth.astype(np.int64)).max()) / len(truth)
    return (float((predicted == truth).mean()) - baseline) / (1 - baseline) if baseline < 1 else 0.0
