"""What of a model's advice the data support, and the facts with it."""

from dataclasses import dataclass, field
from typing import Any

from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.steps import Flag
from worker_service.core.relations.target import Target
from worker_service.core.table.frame import Frame


@dataclass
class Weighed:
    """What of some advice stands, by column names, and what is only suggested."""

    target: str | None = None
    types: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    meanings: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    units: dict[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    """(what, column) → the sentence for the log."""
    suggestions: list[Flag] = field(default_factory=list)

    @property
    def changes_facts(self) -> bool:
        """Whether the table has to be described anew."""
        return bool(self.target or self.types or self.codes or self.meanings or self.units)


def reprofiled(frame: Frame, weighed: Weighed, *, target: str | None, types: dict[str, Any]) -> Profile:
    """The facts as they are with the advice that stands; what a person said outranks it."""
    return profile(
        frame,
        target=target or weighed.target,
        types={**weighed.types, **types},
        codes=weighed.codes,
        meanings=weighed.meanings,
        units=weighed.units,
    )


def told_target(facts: Profile, weighed: Weighed) -> Target:
    """The target with the model's reason, where the model named it."""
    if weighed.target is None or facts.target.column != weighed.target:
        return facts.target
    return Target(column=weighed.target, confidence=0.7, reason=weighed.reasons["target", weighed.target])
