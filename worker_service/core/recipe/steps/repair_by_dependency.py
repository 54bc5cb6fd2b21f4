"""The step that corrects values of a column by a column that determines it."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
    fit_step,
)
from worker_service.core.table.frame import Column, Frame
from worker_service.core.table.written_values import WrittenValues, written_values
from worker_service.core.value import Value

_MOST_EXAMPLES = 3


class Repair(Value):
    """The value that replaces another beside a value of the determinant, all as canonical text."""

    given: str
    before: str
    after: str


class RepairByDependency(Step):
    """Replace wrong values where the determinant shows which value was meant."""

    kind: Literal["repair_by_dependency"]
    phase: ClassVar[Phase] = "cleaning"
    column: str
    determinant: str
    repairs: tuple[Repair, ...] = Field(min_length=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to repair and its determinant."""
        return (self.column, self.determinant)


@fit_step.register
def _fit(step: RepairByDependency, frame: Frame) -> RepairByDependency:
    if not _repair(step, frame).cells.any():
        raise StepRejected(f"No cell of {quoted(step.column)} has one of these values.")
    _as_type([repair.after for repair in step.repairs], frame[step.column], step)
    return step


@apply_step.register
def _apply(step: RepairByDependency, frame: Frame) -> Effect:
    return Effect(changed={step.column: _repair(step, frame)})


def _repair(step: RepairByDependency, frame: Frame) -> Change:
    column = frame[step.column]
    values = written_values(column, frame.unfit_texts(step.column))
    groups = written_values(frame[step.determinant])
    value_codes, group_codes = _codes(values), _codes(groups)
    width = len(values.texts)
    replacements = {
        group_codes[repair.given] * width + value_codes[repair.before]: repair.after
        for repair in step.repairs
        if repair.given in group_codes and repair.before in value_codes
    }
    keys = groups.codes * width + values.codes
    cells = np.isin(keys, list(replacements)) & (groups.codes >= 0) & (values.codes >= 0)
    after = _as_type([replacements[key] for key in keys[cells].tolist()], column, step)
    replaced = pc.replace_with_mask(column.array, pa.array(cells), after)
    return Change(Column(replaced), cells)


def _as_type(texts: list[str], column: Column, step: RepairByDependency) -> pa.Array:
    try:
        return pa.array(texts, pa.string()).cast(column.type)
    except pa.ArrowInvalid:
        raise StepRejected(f"{quoted(step.column)} does not hold values such as {quoted(texts[0])}.") from None


def _codes(values: WrittenValues) -> dict[str, int]:
    return {text: code for code, text in enumerate(values.texts.to_pylist())}


@describe_step.register
def _describe(step: RepairByDependency, stats: StepStats) -> str:
    replaced = [f"{quoted(repair.before)} is now {quoted(repair.after)}" for repair in step.repairs[:_MOST_EXAMPLES]]
    such_as = "" if len(replaced) == len(step.repairs) else "such as "
    cells = f"{count(stats.cells_changed, 'cell')} of {quoted(step.column)}"
    return f"Corrected {cells} by {quoted(step.determinant)}: {such_as}{listing(replaced)}."
