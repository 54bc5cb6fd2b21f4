"""Proposes which numbers have a slipped decimal point."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.decimal_shifts import Slip
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import AnyStep, Flag, Rescale
from worker_service.core.relations.target import Target
from worker_service.planner.rules.missing_values import dropped_columns


def propose_slips(profile: Profile, target: Target) -> list[AnyStep]:
    """Put the point of every slip back; tell about the target's."""
    dropped = dropped_columns(profile, target)
    found = [column for column in profile.columns if column.name not in dropped]
    return [
        _flag(column, slip) if column.name == target.column else _rescale(column, slip)
        for column in found
        for slip in column.slips
    ]


def _rescale(column: ColumnProfile, slip: Slip) -> Rescale:
    return Rescale(
        kind="rescale",
        column=column.name,
        factor=slip.factor,
        lower=slip.lower,
        upper=slip.upper,
        why=f"{_apart(slip)} Brought back they lie among the others: a slipped decimal point or another unit.",
        confidence=0.9,
        source="slip",
    )


def _flag(column: ColumnProfile, slip: Slip) -> Flag:
    why = (
        f"{quoted(column.name)} is the target and stays as uploaded, though {count(slip.count, 'value')} may have a "
        f"slipped decimal point. {_apart(slip)}"
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, source="target_slip")


def _apart(slip: Slip) -> str:
    times = f"{number(slip.factor)} times" if slip.factor > 1 else f"one {number(1 / slip.factor)}th of"
    seen = listing(number(value) for value in slip.examples)
    such_as = "" if slip.count <= len(slip.examples) else "such as "
    return (
        f"They are about {times} what the other values are, which all lie between {number(slip.usual_lower)} and "
        f"{number(slip.usual_upper)}, with nothing between: {such_as}{seen}."
    )
