"""Proposes a feature where it tells something that a value is missing."""

from collections.abc import Iterator, Sequence

from worker_service.core.missingness import Missingness
from worker_service.core.profile import ColumnProfile, Profile
from worker_service.core.steps import WasMissing
from worker_service.core.target import Target
from worker_service.core.wording import listing, number, percent, quoted
from worker_service.planner.names import Names


def propose_was_missing(
    columns: Sequence[ColumnProfile], profile: Profile, target: Target, names: Names
) -> Iterator[WasMissing]:
    """An indicator for each feature whose gaps depend on something; the target's would be computed from it."""
    features = {column.name for column in columns} - {target.column}
    for found in profile.missingness:
        if found.column in features:
            yield WasMissing(
                kind="was_missing",
                column=found.column,
                name=names.claim(found.column, "was_missing"),
                why=f"{_reason(found)} So the values are not missing at random.",
                confidence=0.8,
                source="missingness",
            )


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
