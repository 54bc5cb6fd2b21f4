"""The part of a model's advice that the data support, and the profile that results from it."""

from dataclasses import dataclass, field, replace

from shared.contracts.vocabulary import ChosenType
from worker_service.core.columns.column_profile import ColumnHints
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.steps import Flag
from worker_service.core.relations.target import Target
from worker_service.planner.privacy import PrivateTable


@dataclass
class AcceptedAdvice:
    """The accepted advice by column name, and the refused advice as suggestions."""

    target: str | None = None
    types: dict[str, ChosenType] = field(default_factory=dict)
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → values that stand for missing."""
    synonyms: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Column → pairs of a level and the level that it means."""
    units: dict[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """Column → pairs of a unit and the factor that its numbers are multiplied by."""
    sentences: dict[tuple[str, str], str] = field(default_factory=dict)
    """(kind of advice, column) → the sentence for the log."""
    suggestions: list[Flag] = field(default_factory=list)

    @property
    def changes_facts(self) -> bool:
        """True if the table has to be profiled again."""
        return bool(self.target or self.types or self.codes or self.synonyms or self.units)


def reprofile(table: PrivateTable, accepted: AcceptedAdvice) -> Profile:
    """Return the profile of a table with the accepted advice; the uploader's choices take precedence."""
    options = table.options
    return profile(
        table.frame,
        target=options.target or accepted.target,
        types={**accepted.types, **options.types},
        hints={
            name: replace(
                table.hints.get(name, ColumnHints()),
                codes=accepted.codes.get(name, ()),
                synonyms=accepted.synonyms.get(name, ()),
                units=accepted.units.get(name, ()),
            )
            for name in table.frame.names
        },
        ignored=table.ignored,
    )


def accepted_target(facts: Profile, accepted: AcceptedAdvice) -> Target:
    """Return the target of a profile, with the model's sentence if the model proposed it."""
    if accepted.target is None or facts.target.column != accepted.target:
        return facts.target
    return Target(column=accepted.target, confidence=0.7, why=accepted.sentences["target", accepted.target])
