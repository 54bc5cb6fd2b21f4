"""Detection of the target, the column that a model would predict, with the reason."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from shared.contracts.column_names import match_name, similar_name
from worker_service.core.columns.name_hints import (
    is_code_name,
    is_coordinate_name,
    is_year_name,
    name_words,
)
from worker_service.core.humanize import percent, quoted
from worker_service.core.value import Value

_STRONG = """
target label outcome response churn churned survived survival fraud fraudulent diagnosis attrition converted conversion
default defaulted
"""
_LIKELY = """
price cost sales salary wage wages income revenue charges quality rating score grade status result
approved approve denied deny exited purchased purchase subscribed deposit strength mpg medv balance spam disease
mortality died dead death yield solubility permeability risk profit rent fare tip bought sold case affairs prestige
"""
_WEAK = """
value amount rate count total type group direction card loan level consumption emissions demand time duration employed
"""
STRONG, LIKELY, WEAK = (frozenset(words.split()) for words in (_STRONG, _LIKELY, _WEAK))
"""Words in the name of a column that are rarely, sometimes, and often given to anything but the target."""
WHOLE = frozenset({"class", "species"})
"""Names that are typical of a target where they stand alone."""
_FEATURES = """
age sex gender date year month day hour week weekday region country state city county address street name email url
comment comments note notes description race ethnicity education marital married children height weight width length
season quarter source id number url zip treatment dose
"""
FEATURES = frozenset(_FEATURES.split())
"""Words in the name of a column that a model rather learns from."""
PREDICTABLE = frozenset({"integer", "decimal", "boolean", "category"})
MOST_CLASSES, MANY_CLASSES = 20, 50
"""A category with more levels is unlikely, or hardly ever, a target."""
MOST_CANDIDATES = 3
LEAST_SCORE = 1.7
"""A column with a lower score is not chosen,"""
LEAST_MARGIN = 0.35
"""nor is one whose score is not so much higher than that of the next."""
LEAST_CANDIDATE = 1.0
"""From this score on a column that was not chosen may be the target after all."""
LEAST_PREDICTABILITY = 0.1
"""From this predictability on, the other columns predict a column."""
FEWEST_SISTERS = 3
MANY_MISSING = 0.1
"""A target is known in nearly every row."""
NO_TARGET = "none"
"""The word with which a user says that there is no target."""

Predictability = Callable[[str], float | None]
"""How much better the other columns predict a column than a constant does, 0 to 1; None where unknown."""


class TargetCandidate(Value):
    """A column that may be the target, and how much speaks for it."""

    column: str
    score: float


class Target(Value):
    """The column to predict, or None, and the reason."""

    column: str | None
    confidence: float
    why: str
    candidates: tuple[TargetCandidate, ...] = ()
    """The columns that may be meant, the best first; empty where one was asked for."""

    @property
    def unsure(self) -> frozenset[str]:
        """The columns that may be the target while none is chosen; they are not filled, scaled or used to fill."""
        if self.column is not None:
            return frozenset()
        return frozenset(candidate.column for candidate in self.candidates if candidate.score >= LEAST_CANDIDATE)


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

    @property
    def missing(self) -> int:
        """The number of missing cells."""
        ...


def infer_target(columns: Sequence[Candidate], predictability: Predictability, *, rows: int) -> Target:
    """Infer the target from names, positions, types and predictability.

    Args:
        columns: the facts about the columns, in order.
        predictability: computes the predictability of a column by its name; called for few columns.
        rows: the number of rows.

    Returns:
        A target without a column where too little speaks for one, or as much for another.
    """
    names = [column.name for column in columns] if len(columns) > 1 else []
    prior = {
        column.name: _score_name(column.name) + _score_position(column, columns) + _score_values(column, rows)
        for column in columns
        if names and column.type in PREDICTABLE and column.distinct >= 2 and not _has_sisters(column.name, names)
    }
    likely = sorted((name for name in prior if prior[name] > 0), key=lambda name: -prior[name])[:MOST_CANDIDATES]
    predicted = {name: predictability(name) for name in likely}
    scores = {name: prior[name] + _score_predictability(predicted[name]) for name in likely}
    ranked = sorted(scores, key=lambda name: -scores[name])
    candidates = tuple(TargetCandidate(column=name, score=round(scores[name], 2)) for name in ranked)
    if not ranked:
        nothing = "No column has the name, the place or the values of a target, so none was chosen"
        why = f"{nothing}. Name the column to predict if there is one."
        return Target(column=None, confidence=0.0, why=why)
    best, *others = ranked
    margin = scores[best] - max((scores[name] for name in others), default=0.0)
    reasons = _describe_reasons(best, names, predicted[best])
    confidence = round(min(0.98, 0.2 + 0.15 * scores[best] + 0.1 * min(margin, 1.5)), 2)
    if scores[best] >= LEAST_SCORE and margin >= LEAST_MARGIN:
        return Target(column=best, confidence=confidence, why=f"{reasons}.", candidates=candidates)
    rival = f", but as much speaks for {quoted(others[0])}" if others and margin < LEAST_MARGIN else ", but too little"
    why = f"{reasons}. It may be the target{rival}, so none was chosen: name the column to predict."
    return Target(column=None, confidence=round(min(confidence, 0.45), 2), why=why, candidates=candidates)


def _score_name(name: str) -> float:
    words = set(name_words(name)) - {"is", "has", "the"}
    joined = "".join(name_words(name)).removeprefix("is")
    if joined == "y" or words & STRONG or joined in STRONG:
        return 5.0
    if joined in WHOLE:
        return 3.0
    if words <= LIKELY or joined in {f"{prefix}{word}" for word in LIKELY for prefix in ("sale", "house", "loan")}:
        return 2.0
    if words & LIKELY:
        return 1.7
    if words & FEATURES or is_coordinate_name(name) or is_code_name(name) or is_year_name(name):
        return -1.5
    return 0.7 if words & WEAK else 0.0


def _score_position(column: Candidate, columns: Sequence[Candidate]) -> float:
    if column is columns[-1]:
        return 1.5
    return 0.3 if column is columns[0] else 0.0


def _score_values(column: Candidate, rows: int) -> float:
    if column.missing > MANY_MISSING * rows:
        return -3.0
    if column.type == "boolean" or column.distinct == 2:
        return 0.5
    if column.type != "category" or column.distinct <= MOST_CLASSES:
        return 0.25
    return -0.5 if column.distinct <= MANY_CLASSES else -1.5


def _score_predictability(score: float | None) -> float:
    if score is None:
        return 0.0
    return -0.3 if score < LEAST_PREDICTABILITY / 2 else 1.2 * min(score, 0.6)


def _has_sisters(name: str, names: Sequence[str]) -> bool:
    """Return True if a column is one of several of a kind: x, y and z, or item_1 to item_9."""
    stem = re.sub(r"\d+", "0", name)
    numbered = stem != name and sum(re.sub(r"\d+", "0", other) == stem for other in names) >= FEWEST_SISTERS
    # Some letters have no lower case of one letter.
    letters = {other.lower() for other in names if len(other.lower()) == 1}
    axes = len(name.lower()) == 1 and any(
        {chr(ord(first) + step) for step in range(3)} <= letters and ord(first) <= ord(name.lower()) < ord(first) + 3
        for first in letters
    )
    return numbered or axes


def _describe_reasons(name: str, names: Sequence[str], predictability: float | None) -> str:
    """Return what speaks for a column as a sentence without its full stop."""
    is_last, is_named = name == names[-1], _score_name(name) >= 1
    if is_named:
        position = "and it is the last column" if is_last else "though it is not the last column"
        reason = f"The name {quoted(name)} is typical of what a model predicts, {position}"
    elif is_last:
        reason = f"{quoted(name)} has no typical name, but it is the last column"
    else:
        reason = f"{quoted(name)} has neither a typical name nor a typical position"
    return reason if predictability is None else f"{reason}; {_describe_score(predictability)}"


def _describe_score(score: float) -> str:
    if score < LEAST_PREDICTABILITY:
        return "the other columns hardly predict it"
    return f"a tree over the other columns removes {percent(score)} of the error of one value for all"


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
