"""The step that merges the spellings of a category."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow.compute as pc

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.spellings import respell_values
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.frame import Frame
from worker_service.core.value import Value

_MOST_EXAMPLES = 3


class Renaming(Value):
    """A spelling and the spelling that replaces it."""

    before: str
    after: str


class MergeLevels(ColumnStep):
    """Replace spellings of the same value by the most frequent one."""

    kind: Literal["merge_levels"]
    phase: ClassVar[Phase] = "cleaning"
    spellings: tuple[Renaming, ...]


@fit_step.register
def _fit(step: MergeLevels, frame: Frame) -> MergeLevels:
    if not _respell(step, frame).cells.any():
        raise StepRejected(f"No cell of {quoted(step.column)} has one of these spellings.")
    return step


@apply_step.register
def _apply(step: MergeLevels, frame: Frame) -> Effect:
    return Effect(changed={step.column: _respell(step, frame)})


def _respell(step: MergeLevels, frame: Frame) -> Change:
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    after = column.derive(respell_values, tuple((spelling.before, spelling.after) for spelling in step.spellings))
    changed = pc.not_equal(column.array, after.array).fill_null(False).to_numpy(zero_copy_only=False)
    return Change(after, np.asarray(changed))


@describe_step.register
def _describe(step: MergeLevels, stats: StepStats) -> str:
    # Spellings that differ only by spaces look alike in print, so the others make better examples.
    ordered = sorted(step.spellings, key=lambda pair: pair.before.split() == pair.after.split())
    renamings = [f"{quoted(pair.after)} for {quoted(pair.before)}" for pair in ordered[:_MOST_EXAMPLES]]
    such_as = "" if len(renamings) == len(step.spellings) else "such as "
    cells = f"{count(stats.cells_changed, 'cell')} of {quoted(step.column)}"
    return f"Gave {cells} the usual spelling, {such_as}{listing(renamings)}."
