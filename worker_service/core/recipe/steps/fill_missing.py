"""The step that fills missing cells with a constant or with the value before them."""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import number, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_filled,
    describe_step,
)
from worker_service.core.table.frame import Column, Frame

FillValue = bool | int | float | str
FillMethod = Literal["mean", "median", "mode", "constant", "forward_fill"]


class FillMissing(ColumnStep):
    """Fill a column's missing cells with one value, or each with the value before it."""

    kind: Literal["fill_missing"]
    phase: Literal["cleaning", "features"] = "cleaning"
    """`cleaning` fills in both tables, `features` in the engineered one alone."""
    method: FillMethod
    value: FillValue | None
    """The value to fill in; None for `forward_fill`. A column of whole numbers takes whole numbers only."""


@apply_step.register
def _apply(step: FillMissing, frame: Frame) -> Effect:
    column = frame[step.column]
    if column.missing == 0:
        raise StepRejected(f"No cell of {quoted(step.column)} is missing.")
    if column.known == 0:
        raise StepRejected(f"{quoted(step.column)} has no value to go by.")
    filled = (
        _forward_fill(column.array) if step.method == "forward_fill" else column.array.fill_null(_scalar(step, column))
    )
    return Effect(changed={step.column: Change(Column(filled), ~column.present())})


def _forward_fill(array: pa.Array) -> pa.Array:
    # The cells before the first known value have no value before them, so they take that first value.
    return pc.fill_null_backward(pc.fill_null_forward(array))


def _scalar(step: FillMissing, column: Column) -> pa.Scalar:
    fitting = (
        (column.is_boolean and isinstance(step.value, bool))
        or (column.is_integer and isinstance(step.value, int | float) and float(step.value).is_integer())
        or (column.is_number and not column.is_integer and isinstance(step.value, int | float))
        or (column.is_text and isinstance(step.value, str))
    )
    if not fitting or (column.is_number and isinstance(step.value, bool)):
        raise StepRejected(f"{step.value!r} is no value for {quoted(step.column)}, which holds {column.type}.")
    try:
        return pa.scalar(int(step.value) if column.is_integer else step.value, column.type)  # type: ignore[arg-type]
    except (pa.ArrowInvalid, OverflowError) as error:
        raise StepRejected(f"{step.value!r} is too large for {quoted(step.column)}.") from error


@describe_step.register
def _describe(step: FillMissing, stats: StepStats) -> str:
    filled = describe_filled(step, step.column, stats)
    if step.method == "forward_fill":
        return f"{filled} with the last known value before {'it' if stats.cells_changed == 1 else 'each'}."
    name = {"mode": "the most frequent value", "constant": "the word", "mean": "the mean", "median": "the median"}
    comma = " " if step.method == "constant" else ", "
    return f"{filled} with {name[step.method]}{comma}{_format_value(step.value)}."


def _format_value(value: FillValue | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else number(value or 0)
