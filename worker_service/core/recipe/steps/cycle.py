"""The step that adds the position of a number in a cycle, such as an hour of the day."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepStats,
    apply_step,
    describe_step,
    number_column,
    require_number,
)
from worker_service.core.recipe.steps.date_parts import RADIUS
from worker_service.core.table.frame import Frame


class Cycle(ColumnStep):
    """Add a sine and a cosine that put the end of a cycle beside its beginning, on a circle of radius √2."""

    kind: Literal["cycle"]
    phase: ClassVar[Phase] = "features"
    period: int = Field(ge=2)
    """The number after which the values begin again, such as 24."""
    sine: str
    """The first new column."""
    cosine: str
    """The second new column."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return (self.sine, self.cosine)


@apply_step.register
def _apply(step: Cycle, frame: Frame) -> Effect:
    numbers = require_number(frame, step.column).numbers()
    with np.errstate(invalid="ignore"):  # infinity has no position
        angles = 2 * np.pi * np.mod(numbers, step.period) / step.period
    waves = {step.sine: np.sin(angles), step.cosine: np.cos(angles)}
    return Effect(added={name: number_column(RADIUS * wave) for name, wave in waves.items()})


@describe_step.register
def _describe(step: Cycle, stats: StepStats) -> str:
    return f"Added the position of {quoted(step.column)} in a cycle of {step.period}, as a sine and a cosine."
