"""The step that corrects typos in a column by a column that determines it."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    Effect,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
)
from worker_service.core.stats.summary import Value
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame

_MOST_EXAMPLES = 3


class Repair(Value):
    """The value that replaces another beside a value of the determinant, all as canonical text."""

    given: str
    before: str
    after: str


class RepairByDependency(Step):
    """Replace misspelt values where the determinant shows which value was meant."""

    kind: Literal["repair_by_dependency"]
    phase: ClassVar[Phase] = "cleaning"
    column: str
    determinant: str
    repairs: tuple[Repair, ...] = Field(min_length=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to repair and its determinant."""
        return (self.column, self.determinant)


@apply_step.register
def _apply(step: RepairByDependency, frame: Frame) -> Effect:
    column, determinant = frame[step.column], frame[step.determinant]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    levels, groups = column.derive(distinct), determinant.derive(distinct)
    level_codes, group_codes = _codes(levels.values), _codes(groups.values)
    width = len(levels.values) + 1
    replacements = {
        group_codes[repair.given] * width + level_codes[repair.before]: repair.after
        for repair in step.repairs
        if repair.given in group_codes and repair.before in level_codes
    }
    keys = groups.codes.astype(np.int64) * width + levels.codes
    cells = np.isin(keys, list(replacements)) & (groups.codes >= 0) & (levels.codes >= 0)
    if not cells.any():
        raise StepRejected(f"No cell of {quoted(step.column)} has one of these slips.")
    texts = [replacements[key] for key in keys[cells].tolist()]
    after = np.asarray(column.array.to_numpy(zero_copy_only=False), dtype=object)
    after[cells] = texts
    return Effect(changed={step.column: Change(Column(pa.array(after, column.type)), cells)})


def _codes(values: pa.Array) -> dict[str, int]:
    return {text: code for code, text in enumerate(render(values).to_pylist())}


@describe_step.register
def _describe(step: RepairByDependency, stats: StepStats) -> str:
    replaced = [f"{quoted(repair.before)} is now {quoted(repair.after)}" for repair in step.repairs[:_MOST_EXAMPLES]]
    such_as = "" if len(replaced) == len(step.repairs) else "such as "
    cells = f"{count(stats.cells_changed, 'slip')} in {quoted(step.column)}"
    return f"Corrected {cells} by {quoted(step.determinant)}: {such_as}{listing(replaced)}."
