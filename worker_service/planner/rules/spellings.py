"""Rule for spellings: levels that are spellings of the same value are merged."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, MergeLevels
from worker_service.core.recipe.steps.merge_levels import Renaming
from worker_service.planner.context import PlanContext


def propose_spellings(context: PlanContext) -> list[AnyStep]:
    """Propose to merge the spellings of every category; those of the target are flagged."""
    return [
        _flag(column) if column.name == context.target.column else _merge(column)
        for column in context.profile.columns
        if column.spellings
    ]


def _merge(column: ColumnProfile) -> MergeLevels:
    left = count(column.distinct, "value")
    return MergeLevels(
        kind="merge_levels",
        column=column.name,
        spellings=tuple(Renaming(before=spelling.before, after=spelling.after) for spelling in column.spellings),
        why=f"They differ by case, spaces, dots or dashes, or by a slip that is rare; {left} "
        f"{plural_verb(column.distinct, 'is', 'are')} left.",
        confidence=0.8,
        rule="spelling",
    )


def _flag(column: ColumnProfile) -> Flag:
    example = column.spellings[0]
    why = (
        f"{quoted(column.name)} is the target and stays as uploaded, though some values look like spellings of the "
        f"same, such as {quoted(example.before)} and {quoted(example.after)}."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="target_spelling")
