"""Columns that give the target away."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from worker_service.core.imputation.models import feature_matrix, is_squarable, sample_rows
from worker_service.core.imputation.predictability import (
    Codes,
    best_score,
    encode_target,
    random_halves,
    take_rows,
    tree_score,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask
from worker_service.core.value import Value

FEWEST_ROWS = 50
ALMOST_PERFECT = 0.97
"""From this score on, a column alone determines the target almost completely."""
SUSPICIOUS = 0.3
"""From this score on, a column whose name sounds like a later event is reported."""
_KINDS = ("integer", "decimal", "boolean", "category", "timestamp")
_AFTERWARDS = re.compile(
    r"(^|[^a-z])(closing|closed|final|outcome|resolution|resolved|refund|refunded|cancell?ed|cancellation|settled|"
    r"settlement|payout|paid_out|discharge|discharged|terminated|termination|exit|after|post|recovered|recovery)"
    r"($|[^a-z])"
)


class Leak(Value):
    """A column that holds information about the target which is not available at prediction time."""

    column: str
    kind: Literal["predicts", "afterwards"]
    """`predicts`: it alone predicts the target almost perfectly; `afterwards`: its name says that it comes later."""
    score: float
    """The score of a small tree over this column alone on rows it was not fitted to: 0 nothing, 1 everything."""
    rows: int
    """The size of the sample."""


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

    @property
    def distinct(self) -> int:
        """The number of different values."""
        ...


def find_leaks(columns: Sequence[Described], values: Mapping[str, Column], target: str | None) -> tuple[Leak, ...]:
    """Return the columns that give the target away, the strongest first.

    Args:
        columns: the facts about the columns.
        values: the values of each column, by name.
        target: the column to predict; without one, or with too few known cells, the result is empty.
    """
    if target is None or values[target].known < FEWEST_ROWS:
        return ()
    rows = sample_rows(np.flatnonzero(values[target].present()))
    truth, is_classes = encode_target(take_rows(values[target], rows))
    if len(np.unique(truth)) < 2 or not is_squarable(values[target]):
        return ()
    leaks = []
    for column in columns:
        if column.name == target or column.type not in _KINDS:
            continue
        least = SUSPICIOUS if _sounds_later(column.name) else ALMOST_PERFECT
        score = _score(take_rows(values[column.name], rows), truth, is_classes=is_classes, least=least)
        if score >= least:
            kind: Literal["predicts", "afterwards"] = "predicts" if score >= ALMOST_PERFECT else "afterwards"
            leaks.append(Leak(column=column.name, kind=kind, score=round(score, 4), rows=len(rows)))
    return tuple(sorted(leaks, key=lambda leak: -leak.score))


def _sounds_later(name: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()
    return _AFTERWARDS.search(words) is not None


def _score(column: Column, target: Numbers | Codes, *, is_classes: bool, least: float) -> float:
    """Return the worse tree score of two-fold cross-validation, or the R² of a straight line if that is higher.

    A score below `least` may be that of one fold alone.
    """
    score = 1.0
    for train in random_halves(len(target)):
        feature = _feature(column, target, train)
        score = min(score, best_score(feature, target, ~train, is_classes=is_classes))
        if score >= least:
            score = min(score, tree_score(feature[:, None], target, train, is_classes=is_classes))
        if score < least:
            break
    return score if is_classes or not column.is_number else max(score, _r_squared(column.numbers(), target))


def _r_squared(numbers: Numbers, target: Numbers | Codes) -> float:
    known = ~np.isnan(numbers)
    if known.sum() < FEWEST_ROWS:
        return 0.0
    with np.errstate(all="ignore"):
        r = float(np.corrcoef(numbers[known], target[known])[0, 1])
    return r * r if np.isfinite(r) else 0.0


def _feature(column: Column, target: Numbers | Codes, train: Mask) -> Numbers:
    """Encode numbers by rank, categories by the rank of the mean target of the training rows."""
    if not column.is_text:
        # A tree uses only the order, and scikit-learn's cannot hold numbers beyond single precision.
        numbers = feature_matrix([column])[:, 0]
        ranks: Numbers = np.unique(numbers, return_inverse=True)[1].astype(np.float64)
        return np.where(np.isnan(numbers), -1.0, ranks)
    codes = column.derive(distinct).codes.astype(np.int64) + 1
    sums = np.bincount(codes[train], target[train], minlength=codes.max(initial=0) + 1)
    sizes = np.bincount(codes[train], minlength=len(sums))
    means: Numbers = np.where(sizes > 0, sums / np.maximum(sizes, 1), float(np.mean(target[train])))
    mean_ranks: Numbers = np.unique(means, return_inverse=True)[1].astype(np.float64)
    return mean_ranks[codes]
