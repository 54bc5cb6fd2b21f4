"""The step that drops a column which is of no use to people or models."""

from typing import Literal

from worker_service.core.humanize import quoted
from worker_service.core.recipe.steps.base import ColumnStep, Effect, StepStats, apply_step, describe_step
from worker_service.core.table.frame import Frame


class DropColumn(ColumnStep):
    """Leave a column out of the cleaned table (`cleaning`) or of the engineered one only (`features`)."""

    kind: Literal["drop_column"]
    phase: Literal["cleaning", "features"]


@apply_step.register
def _apply(step: DropColumn, frame: Frame) -> Effect:
    return Effect(dropped=(step.column,))


@describe_step.register
def _describe(step: DropColumn, stats: StepStats) -> str:
    table = "both tables" if step.phase == "cleaning" else "the engineered table"
    return f"Left {quoted(step.column)} out of {table}."
