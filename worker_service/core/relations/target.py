"""Detection of the target, the column that a model would predict, with the reason."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from worker_service.core.columns.name_hints import match_name, similar_name
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
"""Names that are often given to the target and often to other columns: enough for the last column only."""
PREDICTABLE = frozenset({"integer", "decimal", "boolean", "category"})
NO_TARGET = "none"
"""The word with which a user says that there is no target."""
MOST_CLASSES = 20
LEAST_PREDICTABILITY = 0.1
"""From this predictability on, the other columns predict a column."""
MOST_CANDIDATES = 4
LEAST_CONFIDENCE = 0.5

Predictability = Callable[[str], float | None]
"""How much better the other columns predict a column than a constant does, 0 to 1; None where unknown."""


class Target(Value):
    """The column to predict, or None, and the reason."""

    column: str | None
    confidence: float
    why: str


class Candidate(Protocol):
    """The facts about a column that target detection reads."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...

    @property
    def position(self) -> int:
        """The position in the decoded table, from 1."""
        ...

    @property
    def distinct(self) -> int:
        """The number of different values."""
        ...


def infer_target(columns: Sequence[Candidate], predictability: Predictability) -> Target:
    """Infer the target from names, positions, types and predictability.

    Args:
        columns: the facts about the columns, in order.
        predictability: computes the predictability of a column by its name; called for few columns.

    Returns:
        A target without a column where the evidence does not agree.
    """
    fitting = [column for column in columns if column.type in PREDICTABLE]
    strong = [column for column in fitting if _normalise(column.name) in STRONG_NAMES]
    likely = [column for column in fitting if _normalise(column.name) in LIKELY_NAMES]
    last = columns[-1] if columns else None
    for candidates, confidence in ((strong, 0.85), (likely, 0.6)):
        last_candidates = [column for column in candidates if column is last]
        if last_candidates:
            return _by_name(last_candidates[0], confidence + 0.1, "and it is the last column", predictability)
        if len(candidates) == 1 and candidates is strong:
            return _by_name(candidates[0], confidence, "though it is not the last column", predictability)
        if candidates:
            return _among_candidates(candidates, predictability)
    return _without_name(last, predictability)


def requested_target(name: str, columns: Sequence[Candidate]) -> Target:
    """Return the target that the user asked for; without a column for `none`, and if there is none of that name."""
    names = [column.name for column in columns]
    column = match_name(name, names)
    if column is not None:
        return Target(column=column, confidence=1.0, why=f"{quoted(column)} was asked for.")
    if name.strip().casefold() == NO_TARGET:
        return Target(column=None, confidence=1.0, why="No target was asked for.")
    similar = similar_name(name, names)
    hint = "" if similar is None else f" Did you mean {quoted(similar)}?"
    why = f"{quoted(name)} was asked for as the target, but there is no such column, so none was set.{hint}"
    return Target(column=None, confidence=0.0, why=why)


def _normalise(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _by_name(column: Candidate, confidence: float, position: str, predictability: Predictability) -> Target:
    name_sentence = f"The name {quoted(column.name)} is typical of what a model predicts, {position}."
    score_sentence = ""
    score = predictability(column.name)
    if score is not None:
        score_sentence = f" {_describe_score(score)}"
        confidence += 0.04 if score >= LEAST_PREDICTABILITY else -0.25
    if confidence >= LEAST_CONFIDENCE:
        return Target(column=column.name, confidence=round(confidence, 2), why=name_sentence + score_sentence)
    why = f"{name_sentence}{score_sentence} So no target was chosen. Name one with target=."
    return Target(column=None, confidence=round(confidence, 2), why=why)


def _describe_score(score: float) -> str:
    if score < LEAST_PREDICTABILITY:
        return "The other columns hardly predict it."
    return f"The other columns predict it: a tree over them explains {percent(score)} of what one value for all leaves."


def _among_candidates(columns: Sequence[Candidate], predictability: Predictability) -> Target:
    scores = {column.name: predictability(column.name) or 0.0 for column in columns[:MOST_CANDIDATES]}
    names = listing((quoted(name) for name in scores), conjunction="or")
    predicted = [name for name, score in scores.items() if score >= LEAST_PREDICTABILITY]
    if len(columns) > 1 and len(columns) <= MOST_CANDIDATES and len(predicted) == 1:
        [name] = predicted
        only = f"By name it could be {names}, and only {quoted(name)} is predicted by the others."
        why = f"{only} {_describe_score(scores[name])}"
        return Target(column=name, confidence=0.55, why=why)
    are = "it is not" if len(columns) == 1 else "none of them is"
    why = f"It could be {names}, but {are} the last column, so no target was chosen. Name one with target=."
    return Target(column=None, confidence=0.3, why=why)


def _without_name(last: Candidate | None, predictability: Predictability) -> Target:
    if last is None or last.type not in PREDICTABLE or not 2 <= last.distinct <= MOST_CLASSES:
        why = "No column has the name of a target, so none was chosen. Name one with target=."
        return Target(column=None, confidence=0.0, why=why)
    score = predictability(last.name)
    why = (
        f"The last column, {quoted(last.name)}, has only {last.distinct} different values and might be one, "
        f"but its name does not say so, so none was chosen. {'' if score is None else _describe_score(score) + ' '}"
        "Name one with target=."
    )
    return Target(column=None, confidence=0.2 if score is not None and score < LEAST_PREDICTABILITY else 0.4, why=why)
