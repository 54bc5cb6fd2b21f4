"""Columns that give the target away."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from worker_service.core.imputation.models import features, moderate, sampled
from worker_service.core.imputation.predictability import Codes, Half, explained_by_tree, halves, taken, what_to_predict
from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

FEWEST_ROWS = 50
ALMOST_PERFECT = 0.97
"""From this score on a column alone says nearly all about the target."""
TELLING = 0.3
"""From this score on a column whose name sounds like an afterthought is worth a question."""
_KINDS = ("integer", "decimal", "boolean", "category", "timestamp")
_AFTERWARDS = re.compile(
    r"(^|[^a-z])(closing|closed|final|outcome|resolution|resolved|refund|refunded|cancell?ed|cancellation|settled|"
    r"settlement|payout|paid_out|discharge|discharged|terminated|termination|exit|after|post|recovered|recovery)"
    r"($|[^a-z])"
)


class Leak(Value):
    """A column that says more about the target than can be known when it is to be predicted."""

    column: str
    kind: Literal["predicts", "afterwards"]
    """It alone predicts the target almost perfectly, or its name says that it comes later."""
    score: float
    """What a small tree of the column alone explains: 0 nothing, 1 everything, measured on rows it had not seen."""
    rows: int
    """How many rows were looked at."""


class Described(Protocol):
    """What is needed to know about a column."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def distinct(self) -> int: ...


def find_leaks(columns: Sequence[Described], values: Mapping[str, Column], target: str | None) -> tuple[Leak, ...]:
    """The columns that give the target away; none where it is not known or the rows are too few."""
    if target is None or values[target].known < FEWEST_ROWS:
        return ()
    rows = sampled(np.flatnonzero(values[target].present()))
    wanted, classes = what_to_predict(taken(values[target], rows))
    if len(np.unique(wanted)) < 2 or not moderate(values[target]):
        return ()
    found = []
    for column in columns:
        if column.name == target or column.type not in _KINDS:
            continue
        score = _score(taken(values[column.name], rows), wanted, classes=classes)
        kind = _kind(column.name, score)
        if kind is not None:
            found.append(Leak(column=column.name, kind=kind, score=round(score, 4), rows=len(rows)))
    return tuple(sorted(found, key=lambda leak: -leak.score))


def _kind(name: str, score: float) -> Literal["predicts", "afterwards"] | None:
    if score >= ALMOST_PERFECT:
        return "predicts"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()
    return "afterwards" if score >= TELLING and _AFTERWARDS.search(words) else None


def _score(column: Column, wanted: Numbers | Codes, *, classes: bool) -> float:
    """The worse of two halves, each predicted by a tree that saw the other; a straight line may do better."""
    score = min(
        explained_by_tree(_feature(column, wanted, seen)[:, None], wanted, seen, classes=classes)
        for seen in halves(len(wanted))
    )
    return score if classes or not column.is_number else max(score, _straight(column.numbers(), wanted))


def _straight(numbers: Numbers, wanted: Numbers | Codes) -> float:
    known = ~np.isnan(numbers)
    if known.sum() < FEWEST_ROWS:
        return 0.0
    with np.errstate(all="ignore"):
        r = float(np.corrcoef(numbers[known], wanted[known])[0, 1])
    return r * r if np.isfinite(r) else 0.0


def _feature(column: Column, wanted: Numbers | Codes, seen: Half) -> Numbers:
    """Numbers by rank, categories in the order of what is to be predicted in the rows seen; missing apart."""
    if not column.is_text:
        # A tree looks at the order only, and scikit-learn's can't hold numbers beyond single precision.
        numbers = features([column])[:, 0]
        ranks: Numbers = np.unique(numbers, return_inverse=True)[1].astype(np.float64)
        return np.where(np.isnan(numbers), -1.0, ranks)
    codes = column.derive(distinct).codes.astype(np.int64) + 1
    sums = np.bincount(codes[seen], wanted[seen], minlength=codes.max(initial=0) + 1)
    sizes = np.bincount(codes[seen], minlength=len(sums))
    means: Numbers = np.where(sizes > 0, sums / np.maximum(sizes, 1), float(np.mean(wanted[seen])))
    places: Numbers = np.unique(means, return_inverse=True)[1].astype(np.float64)
    return places[codes]
