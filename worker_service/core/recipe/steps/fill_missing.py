"""The step that fills missing cells with a constant or with the value before them."""

from datetime import datetime
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import number, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    Scope,
    StepRejected,
    StepStats,
    apply_step,
    carry_step,
    describe_filled,
    describe_step,
    fit_step,
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
    """The value to fill in; of `forward_fill` the one for cells that have no value before them, None until it is
    measured, as the first value. A column of whole numbers takes whole numbers only, one of moments ISO 8601."""

    @property
    def scope(self) -> Scope:
        """The rows before it, if the value before is filled in."""
        return "ordered" if self.method == "forward_fill" else "row"


@fit_step.register
def _fit(step: FillMissing, frame: Frame) -> FillMissing:
    column = frame[step.column]
    if column.missing == 0:
        raise StepRejected(f"No cell of {quoted(step.column)} is missing.")
    if column.known == 0:
        raise StepRejected(f"{quoted(step.column)} has no value to go by.")
    if step.method == "forward_fill" and step.value is None:
        step = step.model_copy(update={"value": _value(column.array.drop_null()[0])})
    _scalar(step, column)
    return step


@apply_step.register
def _apply(step: FillMissing, frame: Frame) -> Effect:
    column = frame[step.column]
    before = pc.fill_null_forward(column.array) if step.method == "forward_fill" else column.array
    filled = before.fill_null(_scalar(step, column))
    return Effect(changed={step.column: Change(Column(filled), ~column.present())})


@carry_step.register
def _carry(step: FillMissing, frame: Frame) -> FillMissing:
    if step.method != "forward_fill" or not frame[step.column].known:
        return step
    return step.model_copy(update={"value": _value(frame[step.column].array.drop_null()[-1])})


def _value(scalar: pa.Scalar) -> FillValue:
    value = scalar.as_py()
    return value.isoformat() if isinstance(value, datetime) else value


def _scalar(step: FillMissing, column: Column) -> pa.Scalar:
    if column.is_timestamp and isinstance(step.value, str) and step.method == "forward_fill":
        return pa.scalar(datetime.fromisoformat(step.value), column.type)
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
