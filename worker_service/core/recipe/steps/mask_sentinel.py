"""The step that masks sentinels, numbers that stand for missing values."""

from typing import ClassVar, Literal

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.sentinels import mask_values
from worker_service.core.humanize import count, listing, number, plural_verb, quoted
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


class MaskSentinel(ColumnStep):
    """Empty the cells that hold one of the values."""

    kind: Literal["mask_sentinel"]
    phase: ClassVar[Phase] = "cleaning"
    values: tuple[float, ...]


@fit_step.register
def _fit(step: MaskSentinel, frame: Frame) -> MaskSentinel:
    column = require_number(frame, step.column)
    if column.derive(mask_values, step.values).missing == column.missing:
        raise StepRejected(f"No cell of {quoted(step.column)} says {_list_values(step)}.")
    return step


@apply_step.register
def _apply(step: MaskSentinel, frame: Frame) -> Effect:
    column = require_number(frame, step.column)
    masked = column.derive(mask_values, step.values)
    return Effect(changed={step.column: Change(masked, column.present() & ~masked.present())})


@describe_step.register
def _describe(step: MaskSentinel, stats: StepStats) -> str:
    says = plural_verb(stats.cells_changed, "says", "say")
    cells = f"{count(stats.cells_changed, 'cell')} of {quoted(step.column)} that {says} {_list_values(step)}"
    return f"Took {cells} for missing."


def _list_values(step: MaskSentinel) -> str:
    return listing((number(value) for value in step.values), conjunction="or")
