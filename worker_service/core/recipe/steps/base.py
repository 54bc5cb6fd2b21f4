"""What all steps share, and the two dispatchers: one carries a step out, one says what it did."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from worker_service.core.humanize import quoted
from worker_service.core.table.frame import Column, Frame, Mask


class Step(BaseModel):
    """A proposed change, with every number it needs already in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    why: str
    """The evidence that decided it, one or more sentences with their numbers."""
    confidence: Annotated[float, Field(ge=0, le=1)]
    """How sure the proposer is."""
    rule: str
    """The rule or the model that proposed it."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns it makes, beside those it changes."""
        return ()


class ColumnStep(Step):
    """A step about one column."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)


class StepRejected(Exception):
    """A step's answer that it does not fit the frame; the text is a sentence for people."""


@dataclass(frozen=True, eq=False)
class Change:
    """A column as it is after a step, and which cells the step changed."""

    column: Column
    cells: Mask


@dataclass(frozen=True, eq=False)
class Effect:
    """What a step does to a frame; the executor carries it out and keeps the ledger."""

    changed: Mapping[str, Change] = field(default_factory=dict)
    added: Mapping[str, Column] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    kept_rows: Mask | None = None
    found: int | None = None
    """Cells the step was about, whether it changed them or not."""
    flagged: bool = False
    """Whether the step noticed something and left it as it is."""
    below: int = 0
    """Of the cells found, those below the fences."""
    rewritten: int = 0
    """Cells that say the same in other words."""
    example: tuple[str, str] | None = None
    """Such a cell before and after."""


@dataclass(frozen=True)
class StepStats:
    """The numbers a sentence about a step can use."""

    cells_changed: int
    rows_removed: int
    found: int
    known: int
    """Cells of the step's first column that had a value before."""
    below: int = 0
    """Of the cells found, those below the fences."""
    rewritten: int = 0
    """Changed cells that say the same in other words."""
    example: tuple[str, str] | None = None
    """Such a cell before and after."""


@singledispatch
def settle_step(step: Step, frame: Frame) -> Step:
    """The step with what could only be measured on the frame that it finds; most need nothing.

    Raises StepRejected where nothing sensible can be measured.
    """
    return step


@singledispatch
def apply_step(step: Step, frame: Frame) -> Effect:
    """Work out what a step does to a frame that has its columns. Raises StepRejected where it does not fit."""
    raise TypeError(f"nothing is registered that applies {type(step).__name__}")


@singledispatch
def describe_step(step: Step, stats: StepStats) -> str:
    """What an applied step did, in one sentence with its numbers."""
    raise TypeError(f"nothing is registered that describes {type(step).__name__}")


def require_number(frame: Frame, name: str) -> Column:
    """The column, if it holds numbers."""
    column = frame[name]
    if not column.is_number:
        raise StepRejected(f"{quoted(name)} does not hold numbers.")
    return column
