"""Proposes a feature where it tells something that a value is missing."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import listing, number, percent, quoted
from worker_service.core.recipe.steps import Flag, WasMissing
from worker_service.core.relations.missingness import FEWEST_CELLS, Missingness
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.column_names import Names

GIVES_AWAY = 0.95
"""From this strength on, gaps say nearly all about the target."""


def propose_was_missing(
    columns: Sequence[ColumnProfile], context: PlanContext, names: Names
) -> Iterator[WasMissing | Flag]:
    """An indicator for each feature whose gaps depend on something; the target's would be computed from it.

    Gaps that give the target away are told and get none.
    """
    profile, target = context.profile, context.target.column
    leaks = {leak.column for leak in profile.leaks}
    features = {column.name for column in columns} - {target} - leaks
    for found in profile.missingness:
        if found.column in features and found.depends_on == target and found.strength >= GIVES_AWAY:
            yield _leak(found)
        elif found.column in features:
            yield WasMissing(
                kind="was_missing",
                column=found.column,
                name=names.claim(found.column, "was_missing"),
                why=f"{_reason(found)} So the values are not missing at random.",
                confidence=0.8,
                rule="missingness",
            )


def propose_value_or_none(columns: Sequence[ColumnProfile], context: PlanContext, names: Names) -> Iterator[WasMissing]:
    """An indicator for each column of one value or none, such as a coupon, that does not give the target away."""
    profile = context.profile
    telling = {found.column for found in profile.missingness if found.strength >= GIVES_AWAY}
    for column in columns:
        enough = min(column.missing, profile.rows - column.missing) >= FEWEST_CELLS
        if column.type == "constant" and enough and column.name not in telling:
            yield WasMissing(
                kind="was_missing",
                column=column.name,
                name=names.claim(column.name, "was_missing"),
                why="It has one value or none, so whether it has one is all that it says.",
                confidence=0.8,
                rule="value_or_none",
            )


def _leak(found: Missingness) -> Flag:
    why = (
        f"Whether {quoted(found.column)} has a value tells {quoted(found.depends_on or '')} almost perfectly, so it "
        "may be known only afterwards. If it is, leave the column out: it would be a leak."
    )
    return Flag(kind="flag", phase="features", column=found.column, why=why, confidence=0.9, rule="leak")


def _reason(found: Missingness) -> str:
    refused = f"Some cells say {listing((quoted(word) for word in found.refusals), conjunction='or')}."
    if found.depends_on is None:
        return refused
    other = quoted(found.depends_on)
    if found.level is None:
        means = number(round(found.where_missing, 4)), number(round(found.where_known, 4))
        return f"Where it is missing, {other} is {means[0]} on average, elsewhere {means[1]}."
    return (
        f"Where it is missing, {other} is {quoted(found.level)} in {percent(found.where_missing)} of the rows, "
        f"elsewhere in {percent(found.where_known)}."
    )
