"""What of a model's advice the data support, and the facts with it."""

from dataclasses import dataclass, field

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import ChosenType
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.steps import Flag
from worker_service.core.relations.target import Target
from worker_service.core.table.frame import Frame


@dataclass
class AcceptedAdvice:
    """What of some advice stands, by column names, and what is only suggested."""

    target: str | None = None
    types: dict[str, ChosenType] = field(default_factory=dict)
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Values that stand for missing."""
    synonyms: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Levels and the level that each means."""
    units: dict[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """Units and what their numbers are multiplied by."""
    sentences: dict[tuple[str, str], str] = field(default_factory=dict)
    """(kind of advice, column) → the sentence for the log."""
    suggestions: list[Flag] = field(default_factory=list)

    @property
    def changes_facts(self) -> bool:
        """True if the table has to be described anew."""
        return bool(self.target or self.types or self.codes or self.synonyms or self.units)


def reprofile(frame: Frame, accepted: AcceptedAdvice, options: RunOptions) -> Profile:
    """Return the facts with the advice that stands; what the uploader chose outranks it."""
    return profile(
        frame,
        target=options.target or accepted.target,
        types={**accepted.types, **options.types},
        codes=accepted.codes,
        synonyms=accepted.synonyms,
        units=accepted.units,
    )


def accepted_target(facts: Profile, accepted: AcceptedAdvice) -> Target:
    """Return the target with the model's sentence, where the model named it."""
    if accepted.target is None or facts.target.column != accepted.target:
        return facts.target
    return Target(column=accepted.target, confidence=0.7, why=accepted.sentences["target", accepted.target])
