"""What a column is read as, decided by a table of readers, with the evidence in words."""

from dataclasses import dataclass

import pyarrow.compute as pc

from worker_service.core.humanize import count, examples, listing, plural_verb, quoted
from worker_service.core.parsing import booleans, numbers, timestamps, words
from worker_service.core.parsing.missing import NO_MEASURES, spellings
from worker_service.core.parsing.read import read
from worker_service.core.parsing.spec import (
    AnyReadAs,
    NumberFormat,
    ReadDecimal,
    ReadText,
    ReadTimestamp,
    Refused,
    enough,
)
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

READERS = (numbers.recognise, booleans.recognise, timestamps.recognise, words.recognise)
"""Asked in this order; the first that does not refuse decides. The last one never refuses."""

_NOUNS = {"integer": "whole numbers", "decimal": "numbers", "boolean": "words for true and false"}
_LAYOUT = {"%Y": "year", "%m": "month", "%d": "day", "%H": "hour", "%M": "minute", "%S": "second"}


@dataclass(frozen=True)
class Inference:
    """A column's reading and why."""

    read_as: AnyReadAs | None
    """None where there is nothing to do: the cells are right as they are."""
    why: str
    """A sentence."""
    invalid: int = 0
    """Cells that do not fit and would become missing."""
    examples: tuple[str, ...] = ()
    """Some of them."""
    code: bool = False
    """Whether the cells are codes made of digits, which only look like numbers."""
    ambiguity: str | None = None
    """A sentence about something that a person should decide."""


def infer(column: Column) -> Inference:
    """Decide what the cells of a column are."""
    if not column.is_text:
        return _typed(column)
    refusals: list[str] = []
    ambiguity = None
    for recognise in READERS:
        answer = recognise(column)
        if isinstance(answer, Refused):
            refusals += [answer.why] if answer.why else []
            ambiguity = answer.why if answer.doubtful else ambiguity
        elif isinstance(answer, ReadText):
            return _text(column, answer, refusals, ambiguity)
        elif _fits(column, answer):
            return _read(column, answer)
    raise AssertionError("the last reader takes every column")


def infer_as(column: Column, wanted: str) -> Inference:
    """The reading as the type that somebody asked for; cells that do not fit are counted, however many."""
    if not column.is_text:
        return _typed(column)
    match wanted:
        case "integer" | "decimal":
            return _read(column, numbers.recognise_anyway(column, whole=wanted == "integer"))
        case "boolean":
            return _read(column, booleans.recognise_anyway(column))
        case "timestamp":
            return _read(column, timestamps.recognise_anyway(column))
    spec = words.recognise(column)
    return _text(column, spec, [], None) if isinstance(spec, ReadText) else infer(column)


def infer_units(column: Column, factors: tuple[tuple[str, float], ...]) -> Inference:
    """The reading of a text column whose numbers are in several units, each with its factor."""
    spec = ReadDecimal(
        kind="decimal",
        missing=column.derive(spellings, NO_MEASURES),
        units=tuple(unit for unit, _ in factors),
        factors=tuple(factor for _, factor in factors),
    )
    return _read(column, spec)


def _fits(column: Column, spec: AnyReadAs) -> bool:
    reading = column.derive(read, spec)
    return enough(reading.column.known, reading.column.known + reading.invalid)


def _typed(column: Column) -> Inference:
    kind = "true and false" if column.is_boolean else "numbers" if column.is_number else "moments in time"
    why = f"The file itself holds {kind} here."
    if not column.is_number or column.is_integer or pc.all(pc.is_finite(column.array)).as_py() is not False:
        return Inference(None, why)
    spec = ReadDecimal(kind="decimal")
    reading = column.derive(read, spec)
    return Inference(spec, why, reading.invalid, reading.examples)


def _read(column: Column, spec: AnyReadAs) -> Inference:
    reading = column.derive(read, spec)
    known = reading.column.known + reading.invalid
    noun = _noun(spec)
    if not reading.invalid:
        subject = "The one known cell can be read as" if known == 1 else f"All {count(known, 'known cell')} are"
        return Inference(spec, f"{subject} {noun}.")
    sentence = (
        f"{known - reading.invalid:,} of {count(known, 'known cell')} are {noun}; {reading.invalid:,} "
        f"{plural_verb(reading.invalid, 'is', 'are')} not, {examples(reading.examples)}."
    )
    return Inference(spec, sentence, reading.invalid, reading.examples)


def _noun(spec: AnyReadAs) -> str:
    noun = _NOUNS.get(spec.kind) or _dates(spec)
    if not isinstance(spec, NumberFormat):
        return noun
    unit = f" in {listing((quoted(unit) for unit in spec.units), conjunction='or')}" if spec.units else ""
    comma = spec.decimal_mark == "," and spec.kind == "decimal"
    return f"{noun}{unit}{' with a comma before the decimals' if comma else ''}"


def _dates(spec: AnyReadAs) -> str:
    layout = spec.format if isinstance(spec, ReadTimestamp) else ""
    for code, word in _LAYOUT.items():
        layout = layout.replace(code, word)
    also = " or year-month-day" if isinstance(spec, ReadTimestamp) and spec.or_iso else ""
    return f"dates written as {layout}{also}"


def _text(column: Column, spec: ReadText, refusals: list[str], ambiguity: str | None) -> Inference:
    text = column.derive(read, spec).column
    missing = text.missing
    code = bool(column.derive(numbers.codes_among)) and bool(refusals)
    if missing == len(column):
        why = "No cell has a value."
    elif refusals:
        why = f"Kept as text, because {refusals[0]}."
    else:
        different = len(text.derive(distinct).values)
        why = f"The {count(len(column) - missing, 'known cell')} hold text, {count(different, 'different value')}."
    sentence = None if ambiguity is None else f"{ambiguity[0].upper()}{ambiguity[1:]}, so they were left as text."
    return Inference(spec if spec.missing or spec.trim else None, why, code=code, ambiguity=sentence)
