"""Categories as numbers."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from worker_service.core.distinct import distinct
from worker_service.core.frame import Column, Frame
from worker_service.core.rendering import render
from worker_service.core.steps.base import (
    Change,
    ColumnStep,
    Effect,
    Phase,
    StepRejected,
    Tally,
    apply_step,
    describe_step,
)
from worker_service.core.wording import count, examples, listing, quoted

UNKNOWN = -1


class OneHot(ColumnStep):
    """Replace a column by one column of 0 and 1 for each level."""

    kind: Literal["one_hot"]
    phase: ClassVar[Phase] = "features"
    levels: tuple[str, ...]
    """The values, as canonical text."""
    names: tuple[str, ...]
    """The new columns, one for each level."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "OneHot":
        if len(self.names) != len(self.levels) or len(set(self.names)) != len(self.names):
            raise ValueError("each level needs a column name of its own")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


class LabelEncode(ColumnStep):
    """Replace each value by its place, from 0, among the levels; -1 for a value that is not among them."""

    kind: Literal["label_encode"]
    phase: ClassVar[Phase] = "features"
    levels: tuple[str, ...]
    """The values, as canonical text."""


@apply_step.register
def _apply_one_hot(step: OneHot, frame: Frame) -> Effect:
    codes = _places(frame, step)
    added = {name: Column(pa.array((codes == place).astype(np.int8))) for place, name in enumerate(step.names)}
    return Effect(added=added, dropped=(step.column,))


@apply_step.register
def _apply_label_encode(step: LabelEncode, frame: Frame) -> Effect:
    column = frame[step.column]
    codes = pa.array(_places(frame, step).astype(np.int64), mask=~column.present() if column.missing else None)
    return Effect(changed={step.column: Change(Column(codes), column.present())})


def _places(frame: Frame, step: OneHot | LabelEncode) -> npt.NDArray[np.int64]:
    """For each cell the place of its value among the levels, -1 where it is not there or missing."""
    found = frame[step.column].derive(distinct)
    places = pc.index_in(render(found.values), value_set=pa.array(step.levels, pa.string()))
    if len(found.values) and places.null_count == len(places):
        raise StepRejected(f"{quoted(step.column)} holds none of the expected values.")
    known = places.fill_null(UNKNOWN).to_numpy().astype(np.int64)
    return np.append(known, UNKNOWN)[found.codes]


@describe_step.register
def _describe_one_hot(step: OneHot, tally: Tally) -> str:
    made = count(len(step.levels), "column")
    return f"Replaced {quoted(step.column)} by {made} of 0 and 1, one for each value: {_levels(step.levels)}."


@describe_step.register
def _describe_label_encode(step: LabelEncode, tally: Tally) -> str:
    if len(step.levels) == 2:
        return f"Wrote {quoted(step.column)} as 0 for {quoted(step.levels[0])} and 1 for {quoted(step.levels[1])}."
    last = f"{len(step.levels) - 1:,}"
    return (
        f"Numbered the values of {quoted(step.column)} from 0 to {last} in alphabetical order, {examples(step.levels)}."
    )


def _levels(levels: tuple[str, ...]) -> str:
    return listing(quoted(level) for level in levels)
