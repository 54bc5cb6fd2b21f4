"""Reading decoded text as the type it is."""

from typing import ClassVar, Literal

from worker_service.core.frame import Frame
from worker_service.core.reading import ReadAs, ReadText, ReadTimestamp, read
from worker_service.core.reading.spec import ISO_ZONED
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

_NOUNS = {
    "integer": "whole numbers",
    "decimal": "decimal numbers",
    "boolean": "true or false",
    "timestamp": "dates",
}


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
    words = examples([word if word.strip() else "an empty cell" for word in step.read_as.missing])
    if isinstance(step.read_as, ReadText):
        return f"Took {count(tally.cells_changed, 'cell')} of {quoted(step.column)}, {words}, for missing."
    zone = ", in UTC" if isinstance(step.read_as, ReadTimestamp) and step.read_as.format == ISO_ZONED else ""
    sentence = f"Read {quoted(step.column)} as {_NOUNS[step.read_as.kind]}{zone}"
    if tally.cells_changed:
        sentence += f", which changed how {count(tally.cells_changed, 'cell')} {_is(tally.cells_changed)} written"
    return f"{sentence}; cells {words} count as missing." if step.read_as.missing else f"{sentence}."


def _is(cells: int) -> str:
    return plural_verb(cells, "is", "are")
