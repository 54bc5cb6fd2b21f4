"""Rules for indicator features: columns whose missing cells carry information."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import listing, number, percent, quoted
from worker_service.core.recipe.steps import Flag, WasMissing
from worker_service.core.relations.missingness import FEWEST_CELLS, Missingness
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.column_names import Names

MIN_LEAK_STRENGTH = 0.95
"""From this strength on, missing cells of a column almost determine the target."""


def propose_missing_indicators(
    columns: Sequence[ColumnProfile], context: PlanContext, names: Names
) -> Iterator[WasMissing | Flag]:
    """Propose an indicator for each feature whose missing cells depend on another column.

    The target gets none, because it would be computed from the target. Missing cells that give the target away are
    flagged instead.
    """
    profile, target = context.profile, context.target.column
    leaks = {leak.column for leak in profile.leaks}
    features = {column.name for column in columns} - {target} - leaks
    for missingness in profile.missingness:
        if missingness.column not in features:
            continue
        if missingness.depends_on == target and missingness.strength >= MIN_LEAK_STRENGTH:
            yield _flag_leak(missingness)
        else:
            yield WasMissing(
                kind="was_missing",
                column=missingness.column,
                name=names.claim(missingness.column, "was_missing"),
                why=f"{_explain(missingness)}, so the values are not missing at random.",
                confidence=0.8,
                rule="missingness",
            )


def propose_presence_indicators(
    columns: Sequence[ColumnProfile], context: PlanContext, names: Names
) -> Iterator[WasMissing]:
    """Propose an indicator for each column with a single value, such as a coupon, that is no leak."""
    profile = context.profile
    leaks = {missingness.column for missingness in profile.missingness if missingness.strength >= MIN_LEAK_STRENGTH}
    for column in columns:
        has_enough_cells = min(column.missing, profile.rows - column.missing) >= FEWEST_CELLS
        if column.type == "constant" and has_enough_cells and column.name not in leaks:
            yield WasMissing(
                kind="was_missing",
                column=column.name,
                name=names.claim(column.name, "was_missing"),
                why="It has one value or none, so whether it has one is all that it says.",
                confidence=0.8,
                rule="value_or_none",
            )


def _flag_leak(missingness: Missingness) -> Flag:
    target = quoted(missingness.depends_on or "")
    why = (
        f"Whether {quoted(missingness.column)} has a value tells {target} almost perfectly, so it "
        "may be known only afterwards. If it is, leave the column out: it would be a leak."
    )
    return Flag(kind="flag", phase="features", column=missingness.column, why=why, confidence=0.9, rule="leak")


def _explain(missingness: Missingness) -> str:
    if missingness.depends_on is None:
        return f"Some cells say {listing((quoted(word) for word in missingness.refusals), conjunction='or')}"
    other = quoted(missingness.depends_on)
    if missingness.level is None:
        where_missing, where_known = (
            number(round(mean, 4)) for mean in (missingness.where_missing, missingness.where_known)
        )
        return f"Where it is missing, {other} is {where_missing} on average, elsewhere {where_known}"
    return (
        f"Where it is missing, {other} is {quoted(missingness.level)} in {percent(missingness.where_missing)} of "
        f"the rows, elsewhere in {percent(missingness.where_known)}"
    )
