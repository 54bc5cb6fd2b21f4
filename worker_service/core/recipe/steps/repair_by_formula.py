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
    require_number,
)
from worker_service.core.relations.formulas import Formula, describe_formula, solve
from worker_service.core.table.frame import Column, Frame


class RepairByFormula(Step):
    """Correct the only number of a row that can be wrong where the row breaks sums or products."""

    kind: Literal["repair_by_formula"]
    phase: ClassVar[Phase] = "cleaning"
    formulas: tuple[Formula, ...] = Field(min_length=1)
    decimals: tuple[int, ...]
    """The decimals of each of the columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the formulas."""
        return tuple(dict.fromkeys(name for formula in self.formulas for name in formula.columns))


@apply_step.register
def _apply(step: RepairByFormula, frame: Frame) -> Effect:
    columns = {name: require_number(frame, name) for name in step.columns}
    if len(step.decimals) != len(columns):
        raise StepRejected("Each column needs its decimals.")
    solved = solve(step.formulas, columns, dict(zip(columns, step.decimals, strict=True)))
    changed = {
        name: Change(_with_values(columns[name], cells.values, cells.cells), cells.cells)
        for name, cells in solved.items()
        if _fits(columns[name], cells.values[cells.cells])
    }
    if not changed:
        raise StepRejected("No number can be told apart as the wrong one of its row.")
    return Effect(changed=changed)


def _fits(column: Column, values: np.ndarray) -> bool:
    return not column.is_integer or bool((values == np.rint(values)).all())


def _with_values(column: Column, values: np.ndarray, cells: np.ndarray) -> Column:
    array = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    array[cells] = values[cells].astype(array.dtype)
    return Column(pa.array(array, column.type, mask=~column.present()))


@describe_step.register
def _describe(step: RepairByFormula, stats: StepStats) -> str:
    return f"Corrected {count(stats.cells_changed, 'number')} by {listing(map(describe_formula, step.formulas))}."
