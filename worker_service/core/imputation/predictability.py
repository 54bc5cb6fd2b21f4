"""How well the other columns predict one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from worker_service.core.imputation.models import features, moderate, sampled
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

FEWEST_ROWS = 60
MOST_CLASSES = 20
"""A numeric column with more different values is a quantity."""
MOST_COLUMNS = 100
_MOST_LEAVES, _SMALLEST_LEAF = 32, 5
Codes = npt.NDArray[np.int64]
Half = npt.NDArray[np.bool_]


class Described(Protocol):
    """What is needed to know about a column."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


def predictability(name: str, columns: Sequence[Described], values: Mapping[str, Column]) -> float | None:
    """How much better a tree over the other columns predicts a column than one value for all does.

    0 for no better, 1 for perfectly: the share of the variance it explains in numbers, of the errors it avoids
    in classes, in rows it has not seen. None where too few rows can tell.
    """
    rows = sampled(np.flatnonzero(values[name].present()))
    kinds = ("integer", "decimal", "boolean", "category", "timestamp")
    others = [one.name for one in columns if one.name != name and one.type in kinds and moderate(values[one.name])]
    if len(rows) < FEWEST_ROWS or not others or not moderate(values[name]):
        return None
    wanted, classes = what_to_predict(taken(values[name], rows))
    table = features([taken(values[other], rows) for other in others[:MOST_COLUMNS]])
    ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in np.nan_to_num(table).T], axis=1)
    return max(
        0.0, float(np.mean([explained_by_tree(ranks, wanted, seen, classes=classes) for seen in halves(len(rows))]))
    )


def taken(column: Column, rows: npt.NDArray[np.int64]) -> Column:
    """Some rows of a column."""
    return Column(column.array.take(pa.array(rows)))


def what_to_predict(column: Column) -> tuple[Numbers | Codes, bool]:
    """The places of classes, or quantities, and whether it is classes."""
    codes: Codes = column.derive(distinct).codes.astype(np.int64)
    if column.is_number and codes.max(initial=0) >= MOST_CLASSES:
        return column.numbers(), False
    # A half of the rows must not have hardly fewer classes than rows.
    return codes, not (column.is_timestamp or codes.max(initial=0) >= len(column) / 5)


def halves(rows: int) -> tuple[Half, Half]:
    """Two halves of the rows, drawn by lot."""
    half = np.random.default_rng(0).permutation(rows) % 2 == 0
    return half, ~half


def explained_by_tree(table: npt.NDArray[np.generic], wanted: Numbers | Codes, seen: Half, *, classes: bool) -> float:
    """What a tree that saw one half of the rows explains in the other, of the variance or of the errors."""
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=_SMALLEST_LEAF, random_state=0)
    told = tree.fit(table[seen], wanted[seen]).predict(table[~seen])
    truth = wanted[~seen]
    if not classes:
        spread = float(((truth - truth.mean()) ** 2).sum())
        return 1 - float(((truth - told) ** 2).sum()) / spread if spread else 0.0
    usual = float(np.bincount(truth.astype(np.int64)).max()) / len(truth)
    return (float((told == truth).mean()) - usual) / (1 - usual) if usual < 1 else 0.0
