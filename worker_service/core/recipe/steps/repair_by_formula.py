"""The step that corrects numbers that break sums and products."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing
from worker_service.core.recipe.steps.base import (
    Change,
    Effect,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    require_number,
)
from worker_service.core.relations.formula_cells import solve
from worker_service.core.relations.formulas import Formula, describe_formula, usual_ranges
from worker_service.core.table.frame import Column, Frame, Mask


class RepairByFormula(Step):
    """Correct the only number of a row that can be wrong where the row breaks sums or products."""

    kind: Literal["repair_by_formula"]
    phase: ClassVar[Phase] = "cleaning"
    formulas: tuple[Formula, ...] = Field(min_length=1)
    decimals: tuple[int, ...]
    """The decimals of each of the columns."""
    ranges: tuple[tuple[float, float], ...] = ()
    """The range of each column beyond which a number is far from the others; empty until measured."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the formulas."""
        return tuple(dict.fromkeys(name for formula in self.formulas for name in formula.columns))


@fit_step.register
def _fit(step: RepairByFormula, frame: Frame) -> RepairByFormula:
    if not step.ranges:
        columns = {name: require_number(frame, name) for name in step.columns}
        step = step.model_copy(update={"ranges": tuple(usual_ranges(columns).values())})
    if not _solve(step, frame):
        raise StepRejected("No number can be told apart as the wrong one of its row.")
    return step


@apply_step.register
def _apply(step: RepairByFormula, frame: Frame) -> Effect:
    return Effect(changed=_solve(step, frame))


def _solve(step: RepairByFormula, frame: Frame) -> dict[str, Change]:
    columns = {name: require_number(frame, name) for name in step.columns}
    if len(step.decimals) != len(columns):
        raise StepRejected("Each column needs its decimals.")
    decimals = dict(zip(columns, step.decimals, strict=True))
    formulas = [formula.parts for formula in step.formulas]
    values = {name: column.numbers() for name, column in columns.items()}
    ranges = dict(zip(columns, step.ranges, strict=True))
    return {
        name: Change(_with_values(columns[name], solved.values, cells), cells)
        for name, solved in solve(formulas, values, decimals, ranges).items()
        if (cells := solved.cells & _fits(columns[name], solved.values)).any()
    }


def _fits(column: Column, values: np.ndarray) -> Mask:
    return np.asarray(values == np.rint(values)) if column.is_integer else np.ones(len(values), dtype=bool)


def _with_values(column: Column, values: np.ndarray, cells: np.ndarray) -> Column:
    array = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    array[cells] = values[cells].astype(array.dtype)
    return Column(pa.array(array, column.type, mask=~column.present()))


@describe_step.register
def _describe(step: RepairByFormula, stats: StepStats) -> str:
    return f"Corrected {count(stats.cells_changed, 'number')} by {listing(map(describe_formula, step.formulas))}."
