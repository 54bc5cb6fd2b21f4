"""Rule for near duplicates: rows that are nearly equal are flagged."""

from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag
from worker_service.core.relations.near_duplicates import NearDuplicates
from worker_service.planner.context import PlanContext


def propose_near_duplicates(context: PlanContext) -> list[AnyStep]:
    """Flag each set of columns in which rows differ from an earlier one."""
    return [_flag(duplicates) for duplicates in context.profile.near_duplicates]


def _flag(duplicates: NearDuplicates) -> Flag:
    names = listing(quoted(name) for name in duplicates.columns)
    difference = f"the spelling of {names}" if duplicates.columns else "their identifier"
    pairs = listing(f"row {row:,} and row {other:,}" for row, other in duplicates.examples)
    such_as = "" if duplicates.rows == len(duplicates.examples) else "such as "
    why = (
        f"{count(duplicates.rows, 'row')} {plural_verb(duplicates.rows, 'differs', 'differ')} from an earlier one only "
        f"in {difference}, more than chance explains: {such_as}{pairs}. Nothing was removed."
    )
    return Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=0.7, rule="near_duplicate_rows")
