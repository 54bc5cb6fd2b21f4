"""Rule for spellings: levels that are spellings of the same value are merged."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, MergeLevels
from worker_service.core.recipe.steps.merge_levels import Renaming
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED

MOST_EXAMPLES = 3


def propose_spellings(context: PlanContext) -> list[AnyStep]:
    """Propose to merge the spellings of every category; those of the target, and possible typos, are flagged."""
    columns = context.profile.columns
    merged = [
        _flag(column) if column.name == context.target.column else _merge(column)
        for column in columns
        if column.spellings
    ]
    return [*merged, *(_flag_typos(column) for column in columns if column.possible_typos)]


def _merge(column: ColumnProfile) -> MergeLevels:
    left = count(column.distinct, "value")
    return MergeLevels(
        kind="merge_levels",
        column=column.name,
        spellings=tuple(Renaming(before=spelling.before, after=spelling.after) for spelling in column.spellings),
        why=f"They differ by case, spaces, dots or dashes only, or by slips of a column typed by hand; {left} "
        f"{plural_verb(column.distinct, 'is', 'are')} left.",
        confidence=MEASURED["spelling"],
        rule="spelling",
    )


def _flag_typos(column: ColumnProfile) -> Flag:
    typos = column.possible_typos
    pairs = listing(f"{quoted(typo.before)} for {quoted(typo.after)}" for typo in typos[:MOST_EXAMPLES])
    such_as = "such as " if len(typos) > MOST_EXAMPLES else ""
    why = (
        f"{quoted(column.name)} has {count(len(typos), 'value')} that may be a typo, {such_as}{pairs}. "
        f"{plural_verb(len(typos), 'It stays', 'They stay')}, because no other column shows it."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.6, rule="possible_typo")


def _flag(column: ColumnProfile) -> Flag:
    example = column.spellings[0]
    why = (
        f"{quoted(column.name)} is the target and stays as uploaded, though some values look like spellings of the "
        f"same, such as {quoted(example.before)} and {quoted(example.after)}."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="target_spelling")
