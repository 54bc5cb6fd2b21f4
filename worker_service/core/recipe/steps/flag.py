"""The step that reports something and changes nothing."""

from typing import Literal

from worker_service.core.recipe.steps.base import Effect, Step, StepStats, apply_step, describe_step
from worker_service.core.table.frame import Frame


class Flag(Step):
    """Report something without changing it; `why` is the whole message."""

    kind: Literal["flag"]
    phase: Literal["cleaning", "features"]
    column: str | None
    """None where it concerns the whole table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, if the flag concerns one."""
        return () if self.column is None else (self.column,)


@apply_step.register
def _apply(step: Flag, frame: Frame) -> Effect:
    return Effect(flagged=True)


@describe_step.register
def _describe(step: Flag, stats: StepStats) -> str:
    return ""
