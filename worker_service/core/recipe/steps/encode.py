"""Steps that encode categories as numbers: one-hot, by frequency, by label."""

from typing import ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, number, quoted
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
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Frame

UNKNOWN = -1
_MOST_NAMED = 5


class OneHot(ColumnStep):
    """Replace a column by one column of 0 and 1 for each level, or add these columns."""

    kind: Literal["one_hot"]
    phase: ClassVar[Phase] = "features"
    levels: tuple[str, ...]
    """The values, as canonical text."""
    names: tuple[str, ...]
    """The new columns, one for each level."""
    other: str | None = None
    """The new column for all other values; None where there is none."""
    keep: bool = False
    """True if the column itself stays, as a number whose values are levels too."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "OneHot":
        if len(self.names) != len(self.levels) or len(set(self.outputs)) != len(self.outputs):
            raise ValueError("each level needs a column name of its own")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names if self.other is None else (*self.names, self.other)


class FrequencyEncode(ColumnStep):
    """Replace each value by its share of the cells; 0 for a value that is not among the levels."""

    kind: Literal["frequency_encode"]
    phase: ClassVar[Phase] = "features"
    levels: tuple[str, ...]
    """The values, as canonical text."""
    shares: tuple[float, ...]
    """The share of the known cells that hold each level."""

    @model_validator(mode="after")
    def _one_share_each(self) -> "FrequencyEncode":
        if len(self.shares) != len(self.levels):
            raise ValueError("each level needs its share")
        return self


class LabelEncode(ColumnStep):
    """Replace each value by its index, from 0, among the levels; -1 for a value that is not among them."""

    kind: Literal["label_encode"]
    phase: ClassVar[Phase] = "features"
    levels: tuple[str, ...]
    """The values, as canonical text."""


_Encoding = TypeVar("_Encoding", OneHot, LabelEncode, FrequencyEncode)


@apply_step.register
def _apply_one_hot(step: OneHot, frame: Frame) -> Effect:
    codes = _level_codes(frame, step)
    added = {name: Column(pa.array((codes == index).astype(np.int8))) for index, name in enumerate(step.names)}
    if step.other is not None:
        added[step.other] = Column(pa.array((codes == UNKNOWN).astype(np.int8)))
    return Effect(added=added, dropped=() if step.keep else (step.column,))


@apply_step.register
def _apply_label_encode(step: LabelEncode, frame: Frame) -> Effect:
    column = frame[step.column]
    codes = pa.array(_level_codes(frame, step).astype(np.int64), mask=~column.present() if column.missing else None)
    return Effect(changed={step.column: Change(Column(codes), column.present())})


@apply_step.register
def _apply_frequency_encode(step: FrequencyEncode, frame: Frame) -> Effect:
    column = frame[step.column]
    shares = np.append(np.asarray(step.shares, dtype=np.float64), 0.0)[_level_codes(frame, step)]
    return Effect(changed={step.column: Change(Column(pa.array(shares)), column.present())})


@fit_step.register(OneHot)
@fit_step.register(LabelEncode)
@fit_step.register(FrequencyEncode)
def _fit(step: _Encoding, frame: Frame) -> _Encoding:
    if frame[step.column].known and (_find_levels(frame, step) == UNKNOWN).all():
        raise StepRejected(f"{quoted(step.column)} holds none of the expected values.")
    return step


def _level_codes(frame: Frame, step: OneHot | LabelEncode | FrequencyEncode) -> npt.NDArray[np.int64]:
    """Return for each cell the index of its value among the levels, -1 where it is not among them or missing."""
    return np.append(_find_levels(frame, step), UNKNOWN)[frame[step.column].derive(distinct).codes]


def _find_levels(frame: Frame, step: OneHot | LabelEncode | FrequencyEncode) -> npt.NDArray[np.int64]:
    """Return for each different value its index among the levels, -1 where it is not among them."""
    cells = frame[step.column].derive(distinct)
    indices = pc.index_in(render(cells.values), value_set=pa.array(step.levels, pa.string()))
    return np.asarray(indices.fill_null(UNKNOWN).to_numpy().astype(np.int64))


@describe_step.register
def _describe_one_hot(step: OneHot, stats: StepStats) -> str:
    columns = count(len(step.outputs), "column")
    if step.keep:
        return f"Added {columns} of 0 and 1 for values of {quoted(step.column)}: {_levels(step.levels)}."
    if step.other is None:
        return f"Replaced {quoted(step.column)} by {columns} of 0 and 1, one for each value: {_levels(step.levels)}."
    return (
        f"Replaced {quoted(step.column)} by {columns} of 0 and 1: one for each of {_levels(step.levels)}, "
        f"and {quoted(step.other)} for all other values."
    )


@describe_step.register
def _describe_frequency_encode(step: FrequencyEncode, stats: StepStats) -> str:
    first = f"{number(round(step.shares[0], 4))} for {quoted(step.levels[0])}" if step.levels else "0"
    return f"Replaced each value of {quoted(step.column)} by the share of the rows that hold it, such as {first}."


@describe_step.register
def _describe_label_encode(step: LabelEncode, stats: StepStats) -> str:
    if len(step.levels) == 2:
        return f"Wrote {quoted(step.column)} as 0 for {quoted(step.levels[0])} and 1 for {quoted(step.levels[1])}."
    return f"Numbered the values of {quoted(step.column)} from 0 in the order {_levels(step.levels)}."


def _levels(levels: tuple[str, ...]) -> str:
    """Return the levels, or the first few of many."""
    if len(levels) <= _MOST_NAMED + 1:
        return listing(quoted(level) for level in levels)
    return listing([*(quoted(level) for level in levels[:_MOST_NAMED]), f"{len(levels) - _MOST_NAMED} more"])
