"""The step that adds the numbers within texts such as `18 - 29` and `10,000+`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.parsing.text_numbers import NumberShape, parse_numbers
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


class TextNumbers(ColumnStep):
    """Add a column for each number within the texts of a column, which itself stays."""

    kind: Literal["text_numbers"]
    phase: ClassVar[Phase] = "features"
    shape: NumberShape
    """How the texts hold numbers."""
    names: tuple[str, ...]
    """The new columns, in the order of the numbers."""
    parts: tuple[int, ...] = ()
    """Which number of a text each column holds, from 0; empty for the first ones in their order."""
    fills: tuple[float, ...] | None = None
    """The numbers for cells without any; None until they are measured, as the medians."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@fit_step.register
def _fit(step: TextNumbers, frame: Frame) -> TextNumbers:
    if step.fills is not None:
        return step
    numbers = _numbers(step, frame)
    known = numbers[~np.isnan(numbers[:, 0])]
    if not len(known):
        raise StepRejected(f"No cell of {quoted(step.column)} holds such numbers.")
    told_apart = _varying(known)
    if not told_apart:
        raise StepRejected(f"The numbers of {quoted(step.column)} are the same everywhere.")
    return step.model_copy(
        update={
            "names": tuple(step.names[position] for position in told_apart),
            "parts": tuple(_positions(step)[position] for position in told_apart),
            "fills": tuple(np.median(known[:, told_apart], axis=0).tolist()),
        }
    )


def _varying(numbers: npt.NDArray[np.float64]) -> list[int]:
    """Return the columns that are not constant, and not an earlier one in another unit or moved by an amount."""
    kept: list[int] = []
    shapes: list[npt.NDArray[np.float64]] = []
    for position, column in enumerate(numbers.T):
        spread = column.std()
        if spread == 0:
            continue
        shape = (column - column.mean()) / spread
        if not any(np.allclose(shape, other) for other in shapes):
            kept.append(position)
            shapes.append(shape)
    return kept


def _positions(step: TextNumbers) -> tuple[int, ...]:
    return step.parts or tuple(range(len(step.names)))


@apply_step.register
def _apply(step: TextNumbers, frame: Frame) -> Effect:
    numbers = _numbers(step, frame)
    is_missing = np.isnan(numbers[:, 0])
    if step.fills is not None:
        numbers[is_missing] = step.fills
    added = {
        name: Column(pa.array(column, mask=np.isnan(column)))
        for name, column in zip(step.names, numbers.T, strict=True)
    }
    return Effect(added=added, matched=int(is_missing.sum()))


def _numbers(step: TextNumbers, frame: Frame) -> npt.NDArray[np.float64]:
    """Return the numbers of each cell, one row a cell; NaN where a cell has another shape."""
    column = frame[step.column]
    if not column.is_text:
        raise StepRejected(f"{quoted(step.column)} does not hold text.")
    cells = column.derive(distinct)
    width, positions = len(step.names), _positions(step)
    parsed = [_chosen(parse_numbers(text, step.shape), positions) for text in cells.values.to_pylist()]
    # The code of a missing cell, -1, stands for the last row.
    return np.array([*parsed, [np.nan] * width], dtype=np.float64).reshape(-1, width)[cells.codes]


def _chosen(numbers: Sequence[float] | None, positions: Sequence[int]) -> list[float]:
    if numbers is None or max(positions) >= len(numbers):
        return [np.nan] * len(positions)
    return [numbers[position] for position in positions]


@describe_step.register
def _describe(step: TextNumbers, stats: StepStats) -> str:
    sentence = f"Added {listing(map(quoted, step.names))}, the numbers within {quoted(step.column)}"
    if not stats.matched or step.fills is None:
        return f"{sentence}."
    medians = listing(number(fill) for fill in step.fills)
    which = "the median" if len(step.fills) == 1 else "the medians"
    return f"{sentence}, taking {which} {medians} for {count(stats.matched, 'cell')} without such numbers."
