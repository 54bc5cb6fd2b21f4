"""Bringing numbers to a common size."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from worker_service.core.frame import Column, Frame
from worker_service.core.steps.base import (
    Change,
    ColumnStep,
    Effect,
    Phase,
    StepRejected,
    Tally,
    apply_step,
    describe_step,
    require_number,
)
from worker_service.core.wording import number, quoted


class Scale(ColumnStep):
    """Subtract `center` and divide by `divisor`."""

    kind: Literal["scale"]
    phase: ClassVar[Phase] = "features"
    method: Literal["standard", "min_max"]
    """To mean 0 and standard deviation 1, or to the range 0 to 1."""
    center: float
    """The mean or the minimum of the cleaned values."""
    divisor: float
    """Their standard deviation or their range."""


@apply_step.register
def _apply(step: Scale, frame: Frame) -> Effect:
    column = require_number(frame, step.column)
    if step.divisor <= 0:
        raise StepRejected(f"{quoted(step.column)} does not vary.")
    with np.errstate(over="ignore", invalid="ignore"):
        values = (column.numbers() - step.center) / step.divisor
    if np.isinf(values).any():
        raise StepRejected(f"The values of {quoted(step.column)} are too large to be scaled.")
    return Effect(changed={step.column: Change(Column(pa.array(values, from_pandas=True)), column.present())})


@describe_step.register
def _describe(step: Scale, tally: Tally) -> str:
    if step.method == "standard":
        return (
            f"Standardised {quoted(step.column)}: subtracted the mean, {number(step.center)}, "
            f"and divided by the standard deviation, {number(step.divisor)}."
        )
    top = number(step.center + step.divisor)
    return f"Scaled {quoted(step.column)} so that {number(step.center)} becomes 0 and {top} becomes 1."
