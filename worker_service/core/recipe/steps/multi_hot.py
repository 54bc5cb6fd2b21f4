"""The step that makes a column of 0 and 1 for each of the values that stand together in cells."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.cell_parts import split_parts
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame

_MOST_NAMED = 5


class MultiHot(ColumnStep):
    """Replace a column by one column of 0 and 1 for each value that its cells may hold, or add these columns."""

    kind: Literal["multi_hot"]
    phase: ClassVar[Phase] = "features"
    separator: str
    """What stands between two values of a cell."""
    levels: tuple[str, ...]
    """The values."""
    names: tuple[str, ...]
    """The new columns, one for each value."""
    keep: bool = False
    """True if the column itself stays."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "MultiHot":
        if len(self.names) != len(self.levels) or len(set(self.names)) != len(self.names) or not self.separator:
            raise ValueError("each level needs a column name of its own, and cells a separator")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@fit_step.register
def _fit(step: MultiHot, frame: Frame) -> MultiHot:
    """Leave out values that all cells have, or none, or the same cells as another value."""
    indicators = _indicators(step, frame)
    kept: dict[bytes, int] = {}
    for position, indicator in enumerate(indicators.T):
        if indicator.any() and not indicator.all():
            kept.setdefault(indicator.tobytes(), position)
    if not kept:
        raise StepRejected(f"The values of {quoted(step.column)} tell no rows apart.")
    positions = kept.values()
    names, levels = (tuple(part[position] for position in positions) for part in (step.names, step.levels))
    return step.model_copy(update={"names": names, "levels": levels})


@apply_step.register
def _apply(step: MultiHot, frame: Frame) -> Effect:
    indicators = _indicators(step, frame)
    added = {name: Column(pa.array(indicator)) for name, indicator in zip(step.names, indicators.T, strict=True)}
    return Effect(added=added, dropped=() if step.keep else (step.column,))


def _indicators(step: MultiHot, frame: Frame) -> npt.NDArray[np.int8]:
    """Return 1 where a cell has a value, shape (rows, levels)."""
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    cells = column.derive(distinct)
    positions = {level: position for position, level in enumerate(step.levels)}
    has_part = np.zeros((len(cells.values) + 1, len(step.levels)), dtype=np.int8)  # the last row is of missing cells
    for row, text in enumerate(cells.values.to_pylist()):
        for part in split_parts(text, step.separator):
            if part in positions:
                has_part[row, positions[part]] = 1
    return np.asarray(has_part[cells.codes])


@describe_step.register
def _describe(step: MultiHot, stats: StepStats) -> str:
    shown = [quoted(level) for level in step.levels]
    if len(shown) > _MOST_NAMED + 1:
        shown = [*shown[:_MOST_NAMED], f"{len(shown) - _MOST_NAMED} more"]
    columns = count(len(step.names), "column")
    verb = "Added" if step.keep else f"Replaced {quoted(step.column)} by"
    return f"{verb} {columns} of 0 and 1 for the values in the cells of {quoted(step.column)}: {listing(shown)}."
