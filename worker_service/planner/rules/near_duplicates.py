"""Tells about rows that are nearly equal."""

from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag
from worker_service.core.relations.near_duplicates import NearDuplicates
from worker_service.planner.context import PlanContext


def propose_near_duplicates(context: PlanContext) -> list[AnyStep]:
    """Flag each set of columns in which rows differ from an earlier one."""
    return [_flag_near(found) for found in context.profile.near_duplicates]


def _flag_near(found: NearDuplicates) -> Flag:
    where = (
        f"the spelling of {listing(quoted(name) for name in found.columns)}" if found.columns else "their identifier"
    )
    pairs = listing(f"row {row:,} and row {other:,}" for row, other in found.examples)
    such_as = "" if found.rows == len(found.examples) else "such as "
    why = (
        f"{count(found.rows, 'row')} {plural_verb(found.rows, 'differs', 'differ')} from an earlier one only in "
        f"{where}, more than chance explains: {such_as}{pairs}. Nothing was removed."
    )
    return Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=0.7, rule="near_duplicate_rows")
