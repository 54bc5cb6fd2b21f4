"""Steps that add columns computed from numeric columns: ratios and bins."""

from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, number, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    number_column,
    require_number,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column, Frame


class Ratio(Step):
    """Add a column of one column divided by another."""

    kind: Literal["ratio"]
    phase: ClassVar[Phase] = "features"
    numerator: str
    denominator: str
    name: str
    """The new column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The numerator and the denominator."""
        return (self.numerator, self.denominator)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


class Bin(ColumnStep):
    """Add a column with the number of the bin between edges in which a value lies: 0 below the first edge."""

    kind: Literal["bin"]
    phase: ClassVar[Phase] = "features"
    edges: tuple[float, ...]
    """Ascending; a value equal to an edge lies above it."""
    name: str
    """The new column."""

    @model_validator(mode="after")
    def _ascending(self) -> "Bin":
        if not self.edges or any(left >= right for left, right in pairwise(self.edges)):
            raise ValueError("edges must ascend")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new column."""
        return (self.name,)


@fit_step.register
def _fit_ratio(step: Ratio, frame: Frame) -> Ratio:
    known = frame[step.numerator].present() & frame[step.denominator].present()
    if not np.isfinite(_divide(step, frame)[known]).all():
        raise StepRejected(f"{quoted(step.numerator)} can't be divided by every value of {quoted(step.denominator)}.")
    return step


@apply_step.register
def _apply_ratio(step: Ratio, frame: Frame) -> Effect:
    return Effect(added={step.name: number_column(_divide(step, frame))})


def _divide(step: Ratio, frame: Frame) -> Numbers:
    numerator, denominator = require_number(frame, step.numerator), require_number(frame, step.denominator)
    with np.errstate(all="ignore"):
        return np.asarray(numerator.numbers() / denominator.numbers())


@apply_step.register
def _apply_bin(step: Bin, frame: Frame) -> Effect:
    column = require_number(frame, step.column)
    bins = np.searchsorted(np.asarray(step.edges), column.numbers(), side="right").astype(np.int8)
    return Effect(added={step.name: Column(pa.array(bins, mask=~column.present() if column.missing else None))})


@describe_step.register
def _describe_ratio(step: Ratio, stats: StepStats) -> str:
    return f"Added {quoted(step.name)}: {quoted(step.numerator)} divided by {quoted(step.denominator)}."


@describe_step.register
def _describe_bin(step: Bin, stats: StepStats) -> str:
    edges = listing(number(edge) for edge in step.edges)
    return (
        f"Added {quoted(step.name)}: {quoted(step.column)} in {count(len(step.edges) + 1, 'group')} divided at {edges}."
    )
