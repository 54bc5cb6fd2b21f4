"""The step that scales numbers, by mean and standard deviation or robustly."""

from typing import ClassVar, Literal

import numpy as np

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import number, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    number_column,
    require_number,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Frame

NORMAL_IQR = 1.349
"""The interquartile range of a normal distribution in standard deviations."""
_LEAST_SPREAD = 1e-12


class Scale(ColumnStep):
    """Subtract `center` and divide by `divisor`."""

    kind: Literal["scale"]
    phase: ClassVar[Phase] = "features"
    method: Literal["standard", "robust"]
    """By mean and standard deviation, or, for heavy tails, by median and interquartile range."""
    center: float | None = None
    """None until it is measured on the table that the step is applied to."""
    divisor: float | None = None
    """None until measured. A robust one is the interquartile range divided by 1.349, as in a normal distribution."""


@fit_step.register
def _fit(step: Scale, frame: Frame) -> Scale:
    values = require_number(frame, step.column).numbers()
    if step.center is not None and step.divisor is not None:
        _require_finite(step, values)
        return step
    with np.errstate(all="ignore"):
        method, center, divisor = _measure(values[np.isfinite(values)], robust=step.method == "robust")
    if not np.isfinite(divisor) or divisor <= _LEAST_SPREAD * max(1.0, abs(center)) or not np.isfinite(center):
        raise StepRejected(f"The values of {quoted(step.column)} do not vary, or too much for a standard deviation.")
    step = step.model_copy(update={"method": method, "center": center, "divisor": divisor})
    _require_finite(step, values)
    return step


def _require_finite(step: Scale, values: Numbers) -> None:
    if np.isinf(_scale(step, values)).any():
        raise StepRejected(f"The values of {quoted(step.column)} are too large to be scaled.")


def _measure(values: Numbers, *, robust: bool) -> tuple[Literal["standard", "robust"], float, float]:
    """Return the method, the center and the divisor; robust only where the quartiles differ."""
    if not len(values):
        return "standard", 0.0, 0.0
    if robust:
        q1, median, q3 = (float(quartile) for quartile in np.quantile(values, (0.25, 0.5, 0.75)))
        if q3 > q1:
            return "robust", median, (q3 - q1) / NORMAL_IQR
    return "standard", float(values.mean()), float(values.std())


@apply_step.register
def _apply(step: Scale, frame: Frame) -> Effect:
    column = require_number(frame, step.column)
    scaled = number_column(_scale(step, column.numbers()))
    return Effect(changed={step.column: Change(scaled, column.present())})


def _scale(step: Scale, values: Numbers) -> Numbers:
    if step.center is None or step.divisor is None or step.divisor <= 0:
        raise StepRejected(f"{quoted(step.column)} does not vary.")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray((values - step.center) / step.divisor)


@describe_step.register
def _describe(step: Scale, stats: StepStats) -> str:
    center, divisor = (
        ("median", "interquartile range in standard deviations")
        if step.method == "robust"
        else (
            "mean",
            "standard deviation",
        )
    )
    return (
        f"Scaled {quoted(step.column)}: subtracted the {center}, {number(step.center or 0)}, "
        f"and divided by the {divisor}, {number(step.divisor or 0)}."
    )
