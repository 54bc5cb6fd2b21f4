"""Rule for numbers outside of the range that the name of their column promises: they are flagged."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.known_ranges import KnownRange
from worker_service.core.humanize import count, listing, number, plural_verb, quoted
from worker_service.core.recipe.steps import Flag
from worker_service.planner.context import PlanContext


def propose_known_ranges(context: PlanContext) -> list[Flag]:
    """Flag each column with a few numbers that can't be what its name says."""
    return [
        _flag(column, column.known_range)
        for column in context.profile.columns
        if column.known_range is not None and column.known_range.outside
    ]


def _flag(column: ColumnProfile, known: KnownRange) -> Flag:
    why = (
        f"{quoted(column.name)} seems to be {known.quantity}, from {number(known.low)} to {number(known.high)}; "
        f"{count(known.outside, 'cell')} {plural_verb(known.outside, 'lies', 'lie')} outside, such as "
        f"{listing(map(number, known.examples))}. They may be right in another sense, so they were left as they are."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="outside_known_range")
