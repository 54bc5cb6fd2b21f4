"""The step that adds the parts of composed values such as `B/12/S`."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.columns.composed_values import part_number, split_composed
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    number_column,
)
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame


class SplitText(ColumnStep):
    """Add a column for each part of the composed values of a column, which itself stays."""

    kind: Literal["split_text"]
    phase: ClassVar[Phase] = "features"
    separator: str = Field(max_length=10)
    """What stands between two parts; nothing where letters meet digits."""
    width: int = Field(ge=2)
    """The number of parts of a cell; one with more or fewer has none."""
    positions: tuple[int, ...]
    """Which part each new column holds, from 0."""
    is_number: tuple[bool, ...]
    """True for the parts that are numbers."""
    names: tuple[str, ...]
    """The new columns."""
    fills: tuple[float, ...] | None = None
    """The numbers for cells without one, 0 for texts; None until they are measured, as the medians."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "SplitText":
        lengths = {len(self.positions), len(self.is_number), len(self.names), len(set(self.names))}
        if self.fills is not None:
            lengths.add(len(self.fills))
        if len(lengths) > 1 or not self.names or not all(0 <= position < self.width for position in self.positions):
            raise ValueError("each part needs its position, its type and a column name of its own")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@fit_step.register
def _fit(step: SplitText, frame: Frame) -> SplitText:
    if step.fills is not None:
        return step
    parts = _parts(step, frame)
    if not any(part.known for part in parts):
        raise StepRejected(f"No cell of {quoted(step.column)} has {step.width} parts.")
    fills = [float(np.nanmedian(part.numbers())) if part.is_number and part.known else 0.0 for part in parts]
    return step.model_copy(update={"fills": tuple(fills)})


@apply_step.register
def _apply(step: SplitText, frame: Frame) -> Effect:
    parts = _parts(step, frame)
    added = dict(zip(step.names, parts, strict=True))
    numbers = [part for part, is_number in zip(parts, step.is_number, strict=True) if is_number]
    if step.fills is not None:
        filled = zip(step.names, parts, step.is_number, step.fills, strict=True)
        added |= {name: Column(part.array.fill_null(fill)) for name, part, is_number, fill in filled if is_number}
    gaps = np.logical_or.reduce([~part.present() for part in numbers]) if numbers else np.zeros(0, dtype=bool)
    return Effect(added=added, matched=int(gaps.sum()))


def _parts(step: SplitText, frame: Frame) -> list[Column]:
    """Return the parts that become columns, each as numbers or as texts, null where a cell has another width."""
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    cells = column.derive(distinct)
    split = [split_composed(text, step.separator) for text in cells.values.to_pylist()]
    of_cells = [parts if len(parts) == step.width else None for parts in [*split, []]]  # the last is of missing cells
    columns = []
    for position, is_number in zip(step.positions, step.is_number, strict=True):
        values = [None if parts is None else parts[position] for parts in of_cells]
        if is_number:
            numbers = [np.nan if (read := part_number(value or "")) is None else read for value in values]
            columns.append(number_column(np.array(numbers, dtype=np.float64)[cells.codes]))
        else:
            texts = np.array([value or None for value in values], dtype=object)
            columns.append(Column(pa.array(texts[cells.codes], pa.string())))
    return columns


@describe_step.register
def _describe(step: SplitText, stats: StepStats) -> str:
    sentence = f"Added {listing(map(quoted, step.names))}, parts of the values of {quoted(step.column)}"
    if not stats.matched or step.fills is None:
        return f"{sentence}."
    medians = [fill for fill, is_number in zip(step.fills, step.is_number, strict=True) if is_number]
    which = "the median" if len(medians) == 1 else "the medians"
    return (
        f"{sentence}; {count(stats.matched, 'cell')} without numbers there got {which} {listing(map(number, medians))}."
    )
