"""Something noticed and left alone."""

from typing import Literal

from worker_service.core.recipe.steps.base import Effect, Step, StepStats, apply_step, describe_step
from worker_service.core.table.frame import Frame


class Flag(Step):
    """Tell people about something without touching it; `why` says it all."""

    kind: Literal["flag"]
    phase: Literal["cleaning", "features"]
    column: str | None
    """None where it concerns the whole table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column, or none."""
        return () if self.column is None else (self.column,)


@apply_step.register
def _apply(step: Flag, frame: Frame) -> Effect:
    return Effect(flagged=True)


@describe_step.register
def _describe(step: Flag, stats: StepStats) -> str:
    return ""
