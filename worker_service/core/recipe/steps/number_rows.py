"""The step that adds row numbers to a table that would have no column."""

from typing import ClassVar, Literal

import pyarrow as pa

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import quoted
from worker_service.core.recipe.steps.base import Effect, Step, StepStats, apply_step, describe_step
from worker_service.core.table.frame import Column, Frame


class NumberRows(Step):
    """Add the number of each row in the uploaded table, from 1, as the ledger counts."""

    kind: Literal["number_rows"]
    phase: ClassVar[Phase] = "features"
    name: str
    """The new column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """None: the step reads no column."""
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


@apply_step.register
def _apply(step: NumberRows, frame: Frame) -> Effect:
    return Effect(added={step.name: Column(pa.array(frame.row_numbers + 1))})


@describe_step.register
def _describe(step: NumberRows, stats: StepStats) -> str:
    return f"Added {quoted(step.name)}: the number of each row in the uploaded table, from 1."
