"""The step that removes rows equal to an earlier row."""

import hashlib
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count
from worker_service.core.recipe.steps.base import (
    Effect,
    Scope,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    carry_step,
    describe_step,
    fit_step,
)
from worker_service.core.relations.duplicates import first_of_equal_rows
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Frame


class DropDuplicates(Step):
    """Keep the first of the rows that are equal in every column."""

    kind: Literal["drop_duplicates"]
    phase: ClassVar[Phase] = "cleaning"
    earlier: frozenset[bytes] = Field(default=frozenset(), exclude=True)
    """Digests of the rows before, where a table comes in parts; no part of the recipe."""

    @property
    def columns(self) -> tuple[str, ...]:
        """None: the step is about whole rows."""
        return ()

    @property
    def scope(self) -> Scope:
        """The rows before it."""
        return "ordered"


@fit_step.register
def _fit(step: DropDuplicates, frame: Frame) -> DropDuplicates:
    if not frame.names or frame.rows < 2:
        raise StepRejected("There are no two rows.")
    if first_of_equal_rows(list(frame.columns.values())).all():
        raise StepRejected("No row is equal to an earlier one.")
    return step


@apply_step.register
def _apply(step: DropDuplicates, frame: Frame) -> Effect:
    first = first_of_equal_rows(list(frame.columns.values()))
    if step.earlier:
        first &= np.array([digest not in step.earlier for digest in _digests(frame)], dtype=bool)
    return Effect(kept_rows=first, matched=int((~first).sum()))


@carry_step.register
def _carry(step: DropDuplicates, frame: Frame) -> DropDuplicates:
    return step.model_copy(update={"earlier": step.earlier.union(_digests(frame))})


def _digests(frame: Frame) -> Iterator[bytes]:
    """Yield a digest of each row, equal for rows that are equal in every column."""
    cells = [render(column.array).to_pylist() for column in frame.columns.values()]
    for row in zip(*cells, strict=True):
        yield hashlib.blake2b(repr(row).encode(), digest_size=16).digest()


@describe_step.register
def _describe(step: DropDuplicates, stats: StepStats) -> str:
    return f"Removed {count(stats.rows_removed, 'row')} equal to an earlier one in every column."
