"""Reading decoded text as the type it is."""

from typing import ClassVar, Literal

from worker_service.core.frame import Frame
from worker_service.core.reading import ReadAs, ReadText, ReadTimestamp, read
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
from worker_service.core.wording import count, examples, plural_verb, quoted

_NOUNS = {"text": "text", "integer": "whole numbers", "decimal": "decimal numbers", "boolean": "true or false"}


class ReadColumn(ColumnStep):
    """Read a column's text as a type; spellings of missing values and unfit cells become missing."""

    kind: Literal["read_column"]
    phase: ClassVar[Phase] = "cleaning"
    read_as: ReadAs


@apply_step.register
def _apply(step: ReadColumn, frame: Frame) -> Effect:
    column = frame[step.column]
    finite_only = step.read_as.kind == "decimal" and column.is_number and not column.is_integer
    if not column.is_text and not finite_only:
        raise StepRejected(f"{quoted(step.column)} is not text any more.")
    reading = column.derive(read, step.read_as)
    return Effect(changed={step.column: Change(reading.column, reading.changed)}, found=reading.unfit)


@describe_step.register
def _describe(step: ReadColumn, tally: Tally) -> str:
    noun = _NOUNS.get(step.read_as.kind, "dates")
    if isinstance(step.read_as, ReadText):
        words = examples([word if word.strip() else "nothing at all" for word in step.read_as.missing])
        return f"Took {count(tally.cells_changed, 'cell')} of {quoted(step.column)} {words} for missing."
    zone = ", in UTC" if isinstance(step.read_as, ReadTimestamp) and step.read_as.format.endswith("zone") else ""
    sentence = f"Read {quoted(step.column)} as {noun}{zone}"
    if not tally.cells_changed:
        return f"{sentence}."
    verb = plural_verb(tally.cells_changed, "is", "are")
    return f"{sentence}; {count(tally.cells_changed, 'cell')} {verb} now written differently or missing."
