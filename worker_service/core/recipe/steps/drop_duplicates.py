"""The step that removes rows equal to an earlier row."""

from typing import ClassVar, Literal

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count
from worker_service.core.recipe.steps.base import Effect, Step, StepRejected, StepStats, apply_step, describe_step
from worker_service.core.relations.duplicates import first_of_equal_rows
from worker_service.core.table.frame import Frame


class DropDuplicates(Step):
    """Keep the first of the rows that are equal in every column."""

    kind: Literal["drop_duplicates"]
    phase: ClassVar[Phase] = "cleaning"

    @property
    def columns(self) -> tuple[str, ...]:
        """None: the step is about whole rows."""
        return ()


@apply_step.register
def _apply(step: DropDuplicates, frame: Frame) -> Effect:
    if not frame.names or frame.rows < 2:
        raise StepRejected("There are no two rows.")
    first = first_of_equal_rows(list(frame.columns.values()))
    if first.all():
        raise StepRejected("No row is equal to an earlier one.")
    return Effect(kept_rows=first, matched=int((~first).sum()))


@describe_step.register
def _describe(step: DropDuplicates, stats: StepStats) -> str:
    return f"Removed {count(stats.rows_removed, 'row')} equal to an earlier one in every column."
