"""The step that replaces amounts in different units by two columns: the number and the unit."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, number, quoted
from worker_service.core.parsing import ReadDecimal, read
from worker_service.core.parsing.units import unit_name
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.frame import Column, Frame

WITHOUT_UNIT = "none"
"""The unit of a bare number, and of a cell without a number."""


class SplitAmounts(ColumnStep):
    """Replace a text column of amounts by their numbers, as written, and the names of their units."""

    kind: Literal["split_amounts"]
    phase: ClassVar[Phase] = "features"
    read_as: ReadDecimal
    """The format of the numbers, with the spellings of all units."""
    amount: str
    """The new column of numbers."""
    unit: str
    """The new column of units: ISO 4217 codes of currencies, and names such as `kilogram`."""
    fill: float | None = None
    """The number that cells without one get; measured as the median if it is absent."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return (self.amount, self.unit)


@fit_step.register
def _fit(step: SplitAmounts, frame: Frame) -> SplitAmounts:
    numbers = _numbers(step, frame)
    if not numbers.known:
        raise StepRejected(f"No cell of {quoted(step.column)} holds an amount.")
    return step if step.fill is not None else step.model_copy(update={"fill": float(np.nanmedian(numbers.numbers()))})


@apply_step.register
def _apply(step: SplitAmounts, frame: Frame) -> Effect:
    numbers = _numbers(step, frame)
    filled = numbers.array if step.fill is None else numbers.array.fill_null(step.fill)
    added = {step.amount: Column(filled), step.unit: Column(_units(step, frame[step.column]))}
    return Effect(added=added, dropped=(step.column,), matched=numbers.missing)


def _numbers(step: SplitAmounts, frame: Frame) -> Column:
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    return column.derive(read, step.read_as).column


def _units(step: SplitAmounts, column: Column) -> pa.Array:
    """Return the name of the unit of each cell: that of the spelling without which its number can't be read."""
    names = sorted({unit_name(spelling) for spelling in step.read_as.units})
    units = np.full(len(column), WITHOUT_UNIT, dtype=object)
    bare = column.derive(read, step.read_as.model_copy(update={"units": ()})).column.present()
    for name in names:
        spellings = tuple(spelling for spelling in step.read_as.units if unit_name(spelling) == name)
        with_unit = column.derive(read, step.read_as.model_copy(update={"units": spellings})).column.present()
        units[with_unit & ~bare] = name
    return pa.array(units, pa.string())


@describe_step.register
def _describe(step: SplitAmounts, stats: StepStats) -> str:
    sentence = f"Replaced {quoted(step.column)} by {quoted(step.amount)}, its numbers, and {quoted(step.unit)}"
    if not stats.matched or step.fill is None:
        return f"{sentence}."
    return f"{sentence}, taking the median {number(step.fill)} for {count(stats.matched, 'cell')} without a number."
