"""The step that corrects values with a shifted decimal point."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.decimal_shifts import rescale_values
from worker_service.core.humanize import count, number, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    require_number,
)
from worker_service.core.table.frame import Frame


class Rescale(ColumnStep):
    """Divide the values from `lower` to `upper` by `factor`."""

    kind: Literal["rescale"]
    phase: ClassVar[Phase] = "cleaning"
    factor: Annotated[float, Field(gt=0)]
    lower: float
    upper: float


@fit_step.register
def _fit(step: Rescale, frame: Frame) -> Rescale:
    if not _rescale(step, frame).cells.any():
        raise StepRejected(f"No value of {quoted(step.column)} lies between {_format_range(step)}, or can be divided.")
    return step


@apply_step.register
def _apply(step: Rescale, frame: Frame) -> Effect:
    return Effect(changed={step.column: _rescale(step, frame)})


def _rescale(step: Rescale, frame: Frame) -> Change:
    column = require_number(frame, step.column)
    after = column.derive(rescale_values, step.factor, step.lower, step.upper)
    cells = column.present() & (column.numbers() != after.numbers())
    return Change(after, np.asarray(cells, dtype=bool))


@describe_step.register
def _describe(step: Rescale, stats: StepStats) -> str:
    values = f"{count(stats.cells_changed, 'value')} of {quoted(step.column)} between {_format_range(step)}"
    if step.factor < 1:
        return f"Multiplied {values} by {number(1 / step.factor)}."
    return f"Divided {values} by {number(step.factor)}."


def _format_range(step: Rescale) -> str:
    return f"{number(step.lower)} and {number(step.upper)}"
