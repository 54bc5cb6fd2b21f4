"""Rule for shifted decimal points: numbers that are a power of ten off are rescaled."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.decimal_shifts import DecimalShift, WitnessedShift
from worker_service.core.humanize import count, listing, number, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, Rescale
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED


def propose_decimal_shifts(context: PlanContext) -> list[AnyStep]:
    """Propose to rescale the numbers that another column shows to be shifted; all others are flagged."""
    steps: list[AnyStep] = []
    for column in context.profile.columns:
        propose = _flag_target if column.name == context.target.column else _rescale
        steps += [propose(column, shift) for shift in column.decimal_shifts]
        steps += [_flag_possible(column, shift) for shift in column.possible_shifts]
    return steps


def _rescale(column: ColumnProfile, shift: WitnessedShift) -> Rescale:
    return Rescale(
        kind="rescale",
        column=column.name,
        factor=shift.factor,
        lower=shift.lower,
        upper=shift.upper,
        why=f"{_evidence(shift)[:-1]}; {quoted(shift.witness)} fits to the values meant, not to those written.",
        confidence=MEASURED["slip"],
        rule="slip",
    )


def _flag_target(column: ColumnProfile, shift: DecimalShift) -> Flag:
    why = (
        f"{quoted(column.name)} is the target and stays as uploaded, though {count(shift.count, 'value')} may have a "
        f"slipped decimal point. {_evidence(shift)}"
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="target_slip")


def _flag_possible(column: ColumnProfile, shift: DecimalShift) -> Flag:
    why = (
        f"{count(shift.count, 'value')} of {quoted(column.name)} may have a slipped decimal point or another unit, and "
        f"{plural_verb(shift.count, 'stays', 'stay')}, because no other column shows it. {_evidence(shift)}"
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.5, rule="possible_slip")


def _evidence(shift: DecimalShift) -> str:
    times = f"{number(shift.factor)} times" if shift.factor > 1 else f"one {number(1 / shift.factor)}th of"
    examples = listing(number(value) for value in shift.examples)
    such_as = "" if shift.count <= len(shift.examples) else "such as "
    return (
        f"They are about {times} what the other values are, which all lie between {number(shift.usual_lower)} and "
        f"{number(shift.usual_upper)}, with nothing between: {such_as}{examples}."
    )
