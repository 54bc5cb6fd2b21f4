"""The step that reads decoded text as a type."""

from typing import ClassVar, Literal

import numpy as np

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, number, plural_verb, quoted
from worker_service.core.parsing import ReadAs, ReadDecimal, Reading, ReadInteger, ReadText, ReadTimestamp, read
from worker_service.core.parsing.spec import ISO_ZONED
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
from worker_service.core.table.frame import Frame, Mask

_NOUNS = {
    "integer": "whole numbers",
    "decimal": "decimal numbers",
    "boolean": "true or false",
    "timestamp": "dates",
}
_MOST_WORDS = 3


class ReadColumn(ColumnStep):
    """Read a column's text as a type; spellings of missing values and unfit cells become missing."""

    kind: Literal["read_column"]
    phase: ClassVar[Phase] = "cleaning"
    read_as: ReadAs


@fit_step.register
def _fit(step: ReadColumn, frame: Frame) -> ReadColumn:
    if not frame[step.column].is_text and not _keeps_finite(step, frame):
        raise StepRejected(f"{quoted(step.column)} is not text any more.")
    return step


def _keeps_finite(step: ReadColumn, frame: Frame) -> bool:
    return step.read_as.kind == "decimal" and frame[step.column].is_number and not frame[step.column].is_integer


@apply_step.register
def _apply(step: ReadColumn, frame: Frame) -> Effect:
    column = frame[step.column]
    if not column.is_text and not _keeps_finite(step, frame):
        # Another file may hold the cells in their type already.
        return Effect(changed={step.column: Change(column, np.zeros(len(column), dtype=bool))})
    reading = column.derive(read, step.read_as)
    return Effect(
        changed={step.column: Change(reading.column, reading.changed, _restyled(reading))},
        unfit=reading.unfit,
        matched=reading.invalid,
        rewritten=reading.rewritten,
        example=reading.example,
    )


def _restyled(reading: Reading) -> Mask:
    """Return the changed cells apart from those whose value did not fit; a word for missing is read as missing."""
    return reading.changed if reading.unfit is None else reading.changed & ~reading.unfit


@describe_step.register
def _describe(step: ReadColumn, stats: StepStats) -> str:
    masked = stats.cells_changed - stats.rewritten - stats.matched
    if isinstance(step.read_as, ReadText):
        return _describe_text(step.column, step.read_as, masked, stats)
    zone = ", in UTC" if isinstance(step.read_as, ReadTimestamp) and step.read_as.format == ISO_ZONED else ""
    sentence = f"Read {quoted(step.column)} as {_NOUNS[step.read_as.kind]}{zone}{_describe_units(step)}"
    if stats.rewritten:
        sentence += f", which changed how {_describe_rewritten(stats.rewritten, stats.example)}"
    if masked > 0:
        sentence += f"; took {_describe_masked(step.read_as.missing, masked)} for missing"
    if stats.matched:
        fit = f"that {plural_verb(stats.matched, 'does', 'do')} not fit became missing"
        sentence += f"; {count(stats.matched, 'cell')} {fit}"
    return f"{sentence}."


def _describe_text(column: str, spec: ReadText, masked: int, stats: StepStats) -> str:
    trimmed = f"Left out the white space around {count(stats.rewritten, 'cell')} of {quoted(column)}"
    if not masked:
        return f"{trimmed}."
    took = f"ook {_describe_masked(spec.missing, masked, of=f' of {quoted(column)}')} for missing."
    return f"{trimmed}; t{took}" if stats.rewritten else f"T{took}"


def _describe_units(step: ReadColumn) -> str:
    units = step.read_as.units if isinstance(step.read_as, ReadInteger | ReadDecimal) else ()
    factors = step.read_as.factors if isinstance(step.read_as, ReadInteger | ReadDecimal) else ()
    if factors:
        products = (f"{quoted(unit)} times {number(factor)}" for unit, factor in zip(units, factors, strict=True))
        return f", {listing(products)}"
    return f" in {listing((quoted(unit) for unit in units), conjunction='or')}" if units else ""


def _describe_rewritten(cells: int, example: tuple[str, str] | None) -> str:
    words = f"{count(cells, 'cell')} {plural_verb(cells, 'is', 'are')} written"
    if example is None:
        return words
    before, after = example
    return f"{words}, {'' if cells == 1 else 'such as '}{quoted(before)}, now {after}"


def _describe_masked(spellings: tuple[str, ...], cells: int, *, of: str = "") -> str:
    """Return `3 cells, “-”, “n/a” and empty ones`, with every spelling or a few where they are many."""
    words = [quoted(word) for word in spellings if word.strip()]
    empty = len(words) < len(spellings)
    if empty and not words:
        return f"{count(cells, 'empty cell')}{of}"
    shown = words[: _MOST_WORDS - empty] + (["empty ones"] if empty else [])
    such_as = "" if len(shown) == len(words) + empty else "such as "
    return f"{count(cells, 'cell')}{of}, {such_as}{listing(shown)},"
