"""Which column a model would predict, with the reason."""

import re
from collections.abc import Sequence
from typing import Protocol

from worker_service.core.statistics import Value
from worker_service.core.wording import listing, quoted

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
SURE_ENOUGH = 0.5


class Target(Value):
    """The column to predict, or None, and why."""

    column: str | None
    confidence: float
    reason: str


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


def guess_target(columns: Sequence[Candidate]) -> Target:
    """Look at names, positions and types; no target where they do not agree well enough."""
    fitting = [column for column in columns if column.type in PREDICTABLE]
    strong = [column for column in fitting if _plain(column.name) in STRONG_NAMES]
    likely = [column for column in fitting if _plain(column.name) in LIKELY_NAMES]
    last = columns[-1] if columns else None
    for named, confidence in ((strong, 0.85), (likely, 0.6)):
        at_the_end = [column for column in named if column is last]
        if at_the_end:
            return _chosen(at_the_end[0], confidence + 0.1, "and it is the last column")
        if len(named) == 1 and named is strong:
            return _chosen(named[0], confidence, "though it is not the last column")
        if named:
            return _torn(named)
    return _unnamed(last)


def force_target(name: str, columns: Sequence[Candidate]) -> Target:
    """Take the target somebody asked for."""
    if name in {column.name for column in columns}:
        return Target(column=name, confidence=1.0, reason=f"{quoted(name)} was asked for.")
    reason = f"{quoted(name)} was asked for as the target, but there is no such column, so none was set."
    return Target(column=None, confidence=0.0, reason=reason)


def _plain(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _chosen(column: Candidate, confidence: float, position: str) -> Target:
    reason = f"The name {quoted(column.name)} is typical of what a model predicts, {position}."
    return Target(column=column.name, confidence=round(confidence, 2), reason=reason)


def _torn(columns: Sequence[Candidate]) -> Target:
    names = listing((quoted(column.name) for column in columns[:4]), conjunction="or")
    reason = f"It could be {names}: none of them is the last column, so no target was chosen. Name one with target=."
    return Target(column=None, confidence=0.3, reason=reason)


def _unnamed(last: Candidate | None) -> Target:
    if last is None or last.type not in PREDICTABLE or not 2 <= last.distinct <= MOST_CLASSES:
        reason = "No column has the name of a target, so none was chosen. Name one with target=."
        return Target(column=None, confidence=0.0, reason=reason)
    reason = (
        f"The last column, {quoted(last.name)}, has only {last.distinct} different values and might be one, "
        "but its name does not say so, so none was chosen. Name one with target=."
    )
    return Target(column=None, confidence=0.35, reason=reason)
