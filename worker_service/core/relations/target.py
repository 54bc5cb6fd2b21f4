"""Which column a model would predict, with the reason."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from worker_service.core.humanize import listing, percent, quoted
from worker_service.core.stats.summary import Value

STRONG_NAMES = frozenset(
    {
        "target",
        "label",
        "class",
        "y",
        "outcome",
        "response",
        "churn",
        "churned",
        "is_churn",
        "survived",
        "default",
        "defaulted",
        "fraud",
        "is_fraud",
        "target_class",
        "class_label",
        "diagnosis",
        "species",
        "income_bracket",
        "attrition",
        "converted",
    }
)
"""Names that are rarely given to anything but the column to predict."""
LIKELY_NAMES = frozenset(
    {
        "price",
        "sale_price",
        "saleprice",
        "median_house_value",
        "status",
        "result",
        "quality",
        "rating",
        "score",
        "grade",
        "approved",
        "loan_status",
        "exited",
        "purchased",
        "subscribed",
        "deposit",
        "income",
        "salary",
        "revenue",
        "sales",
        "charges",
    }
)
"""Names that are often given to it, and often to something else: enough for the last column only."""
PREDICTABLE = frozenset({"integer", "decimal", "boolean", "category"})
MOST_CLASSES = 20
PREDICTED = 0.1
"""From so much better than one value for all, the other columns say something about a column."""
MOST_CANDIDATES = 4
SURE_ENOUGH = 0.5

Predictability = Callable[[str], float | None]
"""How much better the other columns predict one than one value for all does, 0 to 1; None where nothing can tell."""


class Target(Value):
    """The column to predict, or None, and why."""

    column: str | None
    confidence: float
    why: str


class Candidate(Protocol):
    """What target detection needs to know about a column."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def distinct(self) -> int: ...


def guess_target(columns: Sequence[Candidate], predictability: Predictability) -> Target:
    """Look at names, positions and types, and at what the other columns predict; no target where they do not agree."""
    fitting = [column for column in columns if column.type in PREDICTABLE]
    strong = [column for column in fitting if _plain(column.name) in STRONG_NAMES]
    likely = [column for column in fitting if _plain(column.name) in LIKELY_NAMES]
    last = columns[-1] if columns else None
    for named, confidence in ((strong, 0.85), (likely, 0.6)):
        at_the_end = [column for column in named if column is last]
        if at_the_end:
            return _named(at_the_end[0], confidence + 0.1, "and it is the last column", predictability)
        if len(named) == 1 and named is strong:
            return _named(named[0], confidence, "though it is not the last column", predictability)
        if named:
            return _torn(named, predictability)
    return _unnamed(last, predictability)


def force_target(name: str, columns: Sequence[Candidate]) -> Target:
    """Take the target somebody asked for."""
    if name in {column.name for column in columns}:
        return Target(column=name, confidence=1.0, why=f"{quoted(name)} was asked for.")
    why = f"{quoted(name)} was asked for as the target, but there is no such column, so none was set."
    return Target(column=None, confidence=0.0, why=why)


def _plain(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _named(column: Candidate, confidence: float, position: str, predictability: Predictability) -> Target:
    name, told = f"The name {quoted(column.name)} is typical of what a model predicts, {position}.", ""
    score = predictability(column.name)
    if score is not None:
        told = f" {_told(score)}"
        confidence += 0.04 if score >= PREDICTED else -0.25
    if confidence >= SURE_ENOUGH:
        return Target(column=column.name, confidence=round(confidence, 2), why=name + told)
    why = f"{name}{told} So no target was chosen. Name one with target=."
    return Target(column=None, confidence=round(confidence, 2), why=why)


def _told(score: float) -> str:
    if score < PREDICTED:
        return "The other columns hardly predict it."
    return f"The other columns predict it: a tree over them explains {percent(score)} of what one value for all leaves."


def _torn(columns: Sequence[Candidate], predictability: Predictability) -> Target:
    scores = {column.name: predictability(column.name) or 0.0 for column in columns[:MOST_CANDIDATES]}
    names = listing((quoted(name) for name in scores), conjunction="or")
    predicted = [name for name, score in scores.items() if score >= PREDICTED]
    if len(columns) > 1 and len(columns) <= MOST_CANDIDATES and len(predicted) == 1:
        [name] = predicted
        why = f"By name it could be {names}, and only {quoted(name)} is predicted by the others. {_told(scores[name])}"
        return Target(column=name, confidence=0.55, why=why)
    are = "it is not" if len(columns) == 1 else "none of them is"
    why = f"It could be {names}, but {are} the last column, so no target was chosen. Name one with target=."
    return Target(column=None, confidence=0.3, why=why)


def _unnamed(last: Candidate | None, predictability: Predictability) -> Target:
    if last is None or last.type not in PREDICTABLE or not 2 <= last.distinct <= MOST_CLASSES:
        why = "No column has the name of a target, so none was chosen. Name one with target=."
        return Target(column=None, confidence=0.0, why=why)
    score = predictability(last.name)
    why = (
        f"The last column, {quoted(last.name)}, has only {last.distinct} different values and might be one, "
        f"but its name does not say so, so none was chosen. {'' if score is None else _told(score) + ' '}"
        "Name one with target=."
    )
    return Target(column=None, confidence=0.2 if score is not None and score < PREDICTED else 0.4, why=why)
