"""The step that adds a missing-value indicator."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.frame import Column, Frame, Mask


class WasMissing(ColumnStep):
    """Add a column that is 1 where the column's value was missing before it was filled, else 0."""

    kind: Literal["was_missing"]
    phase: ClassVar[Phase] = "features"
    name: str
    """The new column."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


@fit_step.register
def _fit(step: WasMissing, frame: Frame) -> WasMissing:
    missing = _find_missing(step, frame)
    if not missing.any():
        raise StepRejected(f"No value of {quoted(step.column)} was missing.")
    added = pa.array(missing.astype(np.int8))
    same = next((name for name, column in frame.columns.items() if column.array.equals(added)), None)
    if same is not None:
        raise StepRejected(f"Where {quoted(step.column)} is missing, {quoted(same)} says it already.")
    return step


@apply_step.register
def _apply(step: WasMissing, frame: Frame) -> Effect:
    missing = _find_missing(step, frame)
    return Effect(added={step.name: Column(pa.array(missing.astype(np.int8)))}, matched=int(missing.sum()))


def _find_missing(step: WasMissing, frame: Frame) -> Mask:
    missing = ~frame[step.column].present()
    filled = frame.filled.get(step.column)
    return missing if filled is None else missing | np.isin(frame.row_numbers, filled)


@describe_step.register
def _describe(step: WasMissing, stats: StepStats) -> str:
    if not stats.matched:
        return f"Added {quoted(step.name)}: 0 everywhere, because no value of {quoted(step.column)} was missing."
    rows = count(stats.matched, "row")
    return f"Added {quoted(step.name)}: 1 in the {rows} in which {quoted(step.column)} was missing, else 0."
