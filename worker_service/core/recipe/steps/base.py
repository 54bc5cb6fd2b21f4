"""The base classes of steps, and the functions that each kind registers: fit, apply and describe."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from worker_service.core.humanize import count, quoted
from worker_service.core.table.frame import Column, Frame, Mask

Scope = Literal["row", "ordered", "table"]
"""What a step reads beside a row to change it: nothing, the rows before it, or all rows."""


class Step(BaseModel):
    """A proposed change with every number it needs; some are measured by `fit_step` first."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    why: str
    """The evidence for the step, one or more sentences with their numbers."""
    confidence: Annotated[float, Field(ge=0, le=1)]
    """The confidence of the rule or model that proposed it."""
    rule: str
    """The rule or the model that proposed it."""
    skipped: str | None = None
    """Why the step is not carried out, a sentence; None if it is."""
    is_off: bool = False
    """True if a user has switched it off."""
    user_set: tuple[str, ...] = ()
    """The parameters that a user has set."""

    @property
    def is_active(self) -> bool:
        """True if the step is carried out."""
        return self.skipped is None and not self.is_off

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that the step reads."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns that the step adds."""
        return ()

    @property
    def scope(self) -> Scope:
        """What the step reads beside a row to change it."""
        return "row"


class ColumnStep(Step):
    """A step about one column."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The column of the step."""
        return (self.column,)


class StepRejected(Exception):
    """The step does not fit the frame; the message is a sentence for people."""


@dataclass(frozen=True, eq=False)
class Change:
    """A column as it is after a step, and the mask of the cells that the step changed."""

    column: Column
    cells: Mask
    restyled: Mask | None = None
    """Those of the cells that have the same value as before, written differently; None where there are none."""


@dataclass(frozen=True, eq=False)
class Effect:
    """The changes that a step makes to a frame; `recipe.apply` makes them and keeps the ledger."""

    changed: Mapping[str, Change] = field(default_factory=dict)
    added: Mapping[str, Column] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    kept_rows: Mask | None = None
    unfit: Mask | None = None
    """The cells of the column that was read whose value does not fit its type."""
    matched: int | None = None
    """The number of cells that the step was about, whether it changed them or not."""
    hidden: bool = False
    """True if it hides personal data, which the ledger must not hold."""
    flagged: bool = False
    """True if the step only reports something and changes nothing."""
    below: int = 0
    """Of the matched cells, those below the fences."""
    rewritten: int = 0
    """The number of changed cells that have the same value in another notation."""
    example: tuple[str, str] | None = None
    """The text of such a cell before and after."""


@dataclass(frozen=True)
class StepStats:
    """The numbers that the sentence about an applied step can use."""

    cells_changed: int
    rows_removed: int
    matched: int
    known: int
    """The number of cells of the step's first column that had a value before."""
    below: int = 0
    """Of the matched cells, those below the fences."""
    rewritten: int = 0
    """The number of changed cells that have the same value in another notation."""
    example: tuple[str, str] | None = None
    """The text of such a cell before and after."""


@singledispatch
def fit_step(step: Step, frame: Frame) -> Step:
    """Return the step with every number that it needs, those that it lacks measured on a frame.

    Raises:
        StepRejected: the step has nothing to do in this frame, or nothing sensible can be measured.
    """
    return step


@singledispatch
def apply_step(step: Step, frame: Frame) -> Effect:
    """Compute the effect of a fitted step on a frame that has its columns, in their types.

    What the step was not fitted for has a defined effect: a frame without anything to do is left as it is, and a number
    that can't be computed is missing.

    Raises:
        StepRejected: the types of the columns, or the parameters, do not fit the step.
    """
    raise TypeError(f"nothing is registered that applies {type(step).__name__}")


@singledispatch
def carry_step(step: Step, frame: Frame) -> Step:
    """Return the step for the rows that follow a frame.

    Args:
        step: a fitted step; one of the scope `ordered` depends on the rows before.
        frame: the frame right after the step.
    """
    return step


@singledispatch
def describe_step(step: Step, stats: StepStats) -> str:
    """Describe what an applied step did, in one sentence with its numbers."""
    raise TypeError(f"nothing is registered that describes {type(step).__name__}")


def describe_filled(step: Step, column: str, stats: StepStats) -> str:
    """Return the start of the sentence about a fill: the table, where it is one alone, the cells and their column."""
    filled = "Filled" if getattr(step, "phase", "cleaning") == "cleaning" else "In the engineered table, filled"
    return f"{filled} {count(stats.cells_changed, 'missing cell')} of {quoted(column)}"


def number_column(values: npt.NDArray[np.float64]) -> Column:
    """Return numbers as a column; a number that is not finite could not be computed, and is missing."""
    return Column(pa.array(values, mask=~np.isfinite(values)))


def require_number(frame: Frame, name: str) -> Column:
    """Return a column of numbers.

    Raises:
        StepRejected: when the column does not hold numbers.
    """
    column = frame[name]
    if not column.is_number:
        raise StepRejected(f"{quoted(name)} does not hold numbers.")
    return column
