"""The step that adds the time between two moments."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import quoted
from worker_service.core.recipe.steps.base import (
    Effect,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.frame import TIMESTAMP, Column, Frame

_MICROSECONDS_PER_DAY = 86_400_000_000.0


class TimeDifference(Step):
    """Add a column of the days, with their fraction, from one moment to another."""

    kind: Literal["time_difference"]
    phase: ClassVar[Phase] = "features"
    start: str
    end: str
    name: str
    """The new column."""
    fill: float | None = None
    """The days where one of the moments is missing; None until they are measured, as the median."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The two columns of timestamps."""
        return (self.start, self.end)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


@fit_step.register
def _fit(step: TimeDifference, frame: Frame) -> TimeDifference:
    days = _days_between(step, frame)
    values = days.drop_null().to_numpy()
    if not len(values) or values.min() == values.max():
        raise StepRejected(f"The time from {quoted(step.start)} to {quoted(step.end)} is the same everywhere.")
    return step if step.fill is not None else step.model_copy(update={"fill": float(np.median(values))})


@apply_step.register
def _apply(step: TimeDifference, frame: Frame) -> Effect:
    days = _days_between(step, frame)
    if step.fill is not None:
        days = days.fill_null(step.fill)
    return Effect(added={step.name: Column(days)})


def _days_between(step: TimeDifference, frame: Frame) -> pa.Array:
    start, end = frame[step.start], frame[step.end]
    if not (start.is_timestamp and end.is_timestamp):
        raise StepRejected(f"{quoted(step.start)} and {quoted(step.end)} do not both hold dates.")
    # Arrow needs a time zone database for timestamps with a zone; as naive UTC they need none.
    ticks = [column.array.cast(TIMESTAMP).cast(pa.int64()).cast(pa.float64(), safe=False) for column in (start, end)]
    return pc.divide(pc.subtract(ticks[1], ticks[0]), _MICROSECONDS_PER_DAY)


@describe_step.register
def _describe(step: TimeDifference, stats: StepStats) -> str:
    return f"Added {quoted(step.name)}: the days from {quoted(step.start)} to {quoted(step.end)}."
