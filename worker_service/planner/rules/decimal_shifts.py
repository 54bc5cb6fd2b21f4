"""Rule for shifted decimal points: numbers that are a power of ten off are rescaled."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.decimal_shifts import DecimalShift
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, Rescale
from worker_service.planner.context import PlanContext


def propose_decimal_shifts(context: PlanContext) -> list[AnyStep]:
    """Propose to rescale the shifted numbers of every column; those of the target are flagged."""
    columns = [column for column in context.profile.columns if column.name not in context.dropped]
    return [
        _flag(column, shift) if column.name == context.target.column else _rescale(column, shift)
        for column in columns
        for shift in column.decimal_shifts
    ]


def _rescale(column: ColumnProfile, shift: DecimalShift) -> Rescale:
    return Rescale(
        kind="rescale",
        column=column.name,
        factor=shift.factor,
        lower=shift.lower,
        upper=shift.upper,
        why=f"{_evidence(shift)} Brought back they lie among the others: a slipped decimal point or another unit.",
        confidence=0.9,
        rule="slip",
    )


def _flag(column: ColumnProfile, shift: DecimalShift) -> Flag:
    why = (
        f"{quoted(column.name)} is the target and stays as uploaded, though {count(shift.count, 'value')} may have a "
        f"slipped decimal point. {_evidence(shift)}"
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="target_slip")


def _evidence(shift: DecimalShift) -> str:
    times = f"{number(shift.factor)} times" if shift.factor > 1 else f"one {number(1 / shift.factor)}th of"
    examples = listing(number(value) for value in shift.examples)
    such_as = "" if shift.count <= len(shift.examples) else "such as "
    return (
        f"They are about {times} what the other values are, which all lie between {number(shift.usual_lower)} and "
        f"{number(shift.usual_upper)}, with nothing between: {such_as}{examples}."
    )
