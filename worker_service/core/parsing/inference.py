"""Inference of how a column is to be read, with the evidence in words."""

import re
from collections import Counter
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, examples, listing, plural_verb, quoted
from worker_service.core.parsing import booleans, numbers, timestamps, words
from worker_service.core.parsing.amounts import format_of_units, unit_factors
from worker_service.core.parsing.missing import QUANTITY_NULL_WORDS, null_spellings, null_word_mask
from worker_service.core.parsing.read import read
from worker_service.core.parsing.spec import (
    AnyReadAs,
    NumberFormat,
    ReadDecimal,
    ReadText,
    ReadTimestamp,
    Refused,
    is_enough,
)
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

FEWEST_CODES = 3
"""So many different unfit cells of one shape show that a column of numbers holds codes."""
MOST_OF_CODES = 0.8
"""At least this share of the unfit cells has the shape."""
MOST_MARKED = 0.1
"""If more cells have something attached to their value, it has a meaning."""
RECOGNISERS = (numbers.recognise, booleans.recognise, timestamps.recognise, words.recognise)
"""Asked in this order; the first one that does not refuse decides. The last one never refuses."""

_NOUNS = {"integer": "whole numbers", "decimal": "numbers", "boolean": "words for true and false"}
_LAYOUT = {
    "%Y": "year",
    "%y": "year of two digits",
    "%b": "month",
    "%m": "month",
    "%d": "day",
    "%H": "hour",
    "%M": "minute",
    "%S": "second",
}


@dataclass(frozen=True)
class Inference:
    """The spec for reading a column, and the evidence for it."""

    read_as: AnyReadAs | None
    """None where the cells stay as they are."""
    why: str
    """The evidence, a sentence."""
    invalid: int = 0
    """The number of cells that do not fit and would become missing."""
    examples: tuple[str, ...] = ()
    """Some of these cells."""
    code: bool = False
    """True if the cells are codes made of digits, which only look like numbers."""
    ambiguity: str | None = None
    """A sentence about what a person should decide, if anything."""
    amounts: ReadDecimal | None = None
    """The format of amounts in units that can't be converted into each other, which stay text."""


def infer(column: Column) -> Inference:
    """Return how the cells of a column are to be read."""
    if not column.is_text:
        return _infer_typed(column)
    refusals: list[str] = []
    ambiguity = amounts = None
    for recognise in RECOGNISERS:
        answer = recognise(column)
        if isinstance(answer, Refused):
            refusals += [answer.why] if answer.why else []
            ambiguity = answer.why if answer.ambiguous else ambiguity
            amounts = answer.amounts or amounts
        elif isinstance(answer, ReadText):
            return replace(_infer_text(column, answer, refusals, ambiguity), amounts=amounts)
        elif (spec := _fitting_spec(column, answer)) is not None:
            codes = _code_like(column, spec)
            if not codes:
                return _describe_reading(column, spec)
            refusals.append(f"values such as {listing(quoted(code) for code in codes[:3])} show that they are codes")
    raise AssertionError("the last reader takes every column")


def infer_as(column: Column, requested_type: str) -> Inference:
    """Return how a column is to be read as the requested type.

    Cells that do not fit are counted. If fewer than half of the cells fit, the column is read as if nothing had been
    requested, with a sentence that says so.
    """
    if not column.is_text:
        return _infer_typed(column)
    spec = _requested_spec(column, requested_type)
    if isinstance(spec, Refused):
        return infer(column)
    if isinstance(spec, ReadText):
        return _infer_text(column, spec, [], None)
    return _describe_requested(column, spec, f"The type {requested_type}")


def _describe_requested(column: Column, spec: AnyReadAs, request: str) -> Inference:
    """Return the reading by a requested spec, or the inferred one where fewer than half of the cells fit."""
    reading = column.derive(read, spec)
    fitting, known = reading.column.known, reading.column.known + reading.invalid
    if 2 * fitting >= known:
        return _describe_reading(column, spec)
    refusal = f"{request} was asked for, but only {fitting:,} of {count(known, 'known cell')} fit it"
    return replace(infer(column), ambiguity=f"{refusal}, so the column was read as if nothing had been asked for.")


def _requested_spec(column: Column, requested_type: str) -> AnyReadAs | Refused:
    match requested_type:
        case "integer" | "decimal":
            return numbers.recognise_best_fit(column, whole=requested_type == "integer")
        case "boolean":
            return booleans.recognise_best_fit(column)
        case "timestamp":
            return timestamps.recognise_best_fit(column)
    return words.recognise(column)


def infer_in_unit(column: Column, unit: str) -> Inference:
    """Return how a text column with numbers is to be read whose bare numbers are in a unit.

    Numbers in other units of its kind are converted; the others do not fit. If fewer than half of the cells fit, the
    column is read as if nothing had been requested, with a sentence that says so.
    """
    factors = column.derive(unit_factors, unit)
    known = ~column.derive(null_word_mask, QUANTITY_NULL_WORDS)
    missing = column.derive(null_spellings, QUANTITY_NULL_WORDS)
    spec = format_of_units(column.derive(distinct), known, missing, dict(factors))
    return _describe_requested(column, spec, f"The unit {unit}")


def infer_units(column: Column, factors: tuple[tuple[str, float], ...]) -> Inference:
    """Return how a text column with numbers in several units is to be read.

    Args:
        column: the text column.
        factors: each unit, and the factor that its numbers are multiplied by.
    """
    spec = ReadDecimal(
        kind="decimal",
        missing=column.derive(null_spellings, QUANTITY_NULL_WORDS),
        units=tuple(unit for unit, _ in factors),
        factors=tuple(factor for _, factor in factors),
    )
    return _describe_reading(column, spec)


def _fitting_spec(column: Column, spec: AnyReadAs) -> AnyReadAs | None:
    """Return the spec, allowing marks attached to a few values if there are any; None if too few cells fit it."""
    reading = column.derive(read, spec)
    known = reading.column.known + reading.invalid
    is_fitting = is_enough(reading.column.known, known)
    if not reading.invalid or reading.invalid > MOST_MARKED * known:
        return spec if is_fitting else None
    marked = column.derive(read, spec.model_copy(update={"marks": True}))
    if marked.invalid < reading.invalid and is_enough(marked.column.known, known):
        return spec.model_copy(update={"marks": True})
    return spec if is_fitting else None


def _code_like(column: Column, spec: AnyReadAs) -> tuple[str, ...]:
    """Return some unfit cells if they are codes of one shape, as `98115-4820` among five digits; else nothing."""
    unfit = column.derive(read, spec).unfit
    if unfit is None or not isinstance(spec, NumberFormat):
        return ()
    texts = column.array.filter(pa.array(unfit)).unique().to_pylist()
    shapes = Counter(_shape(text) for text in texts)
    shape, size = shapes.most_common(1)[0]
    is_code = "-" in shape or ("9" in shape and "A" in shape) or shape in ("A", "AA")
    if size < FEWEST_CODES or size < MOST_OF_CODES * len(texts) or not is_code:
        return ()
    return tuple(text for text in texts if _shape(text) == shape)[:3]


def _shape(text: str) -> str:
    """Return a text with `9` for each digit and `A` for each letter."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text.strip()))


def _infer_typed(column: Column) -> Inference:
    kind = "true and false" if column.is_boolean else "numbers" if column.is_number else "moments in time"
    why = f"The file itself holds {kind} here."
    if not column.is_number or column.is_integer or pc.all(pc.is_finite(column.array)).as_py() is not False:
        return Inference(None, why)
    spec = ReadDecimal(kind="decimal")
    reading = column.derive(read, spec)
    return Inference(spec, why, reading.invalid, reading.examples)


def _describe_reading(column: Column, spec: AnyReadAs) -> Inference:
    reading = column.derive(read, spec)
    known = reading.column.known + reading.invalid
    noun = _noun(spec) + _describe_units(column, spec) + _describe_comma(spec)
    if not reading.invalid:
        subject = "The one known cell can be read as" if known == 1 else f"All {count(known, 'known cell')} are"
        return Inference(spec, f"{subject} {noun}.")
    sentence = (
        f"{known - reading.invalid:,} of {count(known, 'known cell')} are {noun}; {reading.invalid:,} "
        f"{plural_verb(reading.invalid, 'is', 'are')} not, {examples(reading.examples)}."
    )
    return Inference(spec, sentence, reading.invalid, reading.examples)


def _noun(spec: AnyReadAs) -> str:
    return _NOUNS.get(spec.kind) or _date_noun(spec)


def _describe_comma(spec: AnyReadAs) -> str:
    has_comma = isinstance(spec, ReadDecimal) and spec.decimal_mark == ","
    return " with a comma before the decimals" if has_comma else ""


def _describe_units(column: Column, spec: AnyReadAs) -> str:
    """Return the units of the numbers as the end of a sentence, empty if they have none."""
    if not isinstance(spec, NumberFormat) or not spec.units:
        return ""
    converted = [unit for unit, factor in zip(spec.units, spec.factors, strict=False) if factor != 1]
    same = [unit for unit in spec.units if unit not in converted]
    bare = column.derive(read, spec.model_copy(update={"units": (), "factors": ()})).column.known
    words = listing((quoted(unit) for unit in same), conjunction="or")
    sentence = f" in {words}" if same and not bare else f", some with {words}" if same else ""
    return sentence + (f", with {listing(map(quoted, converted))} converted" if converted else "")


def _date_noun(spec: AnyReadAs) -> str:
    if not isinstance(spec, ReadTimestamp):
        return "dates"
    formats = [spec.format, *(["%Y-%m-%d"] if spec.or_iso else []), *spec.also]
    return f"dates written as {listing(dict.fromkeys(map(_layout, formats)), conjunction='or')}"


def _layout(layout: str) -> str:
    for code, word in _LAYOUT.items():
        layout = layout.replace(code, word)
    return layout


def _infer_text(column: Column, spec: ReadText, refusals: list[str], ambiguity: str | None) -> Inference:
    text = column.derive(read, spec).column
    missing = text.missing
    code = bool(column.derive(numbers.find_codes)) and bool(refusals)
    if missing == len(column):
        why = "No cell has a value."
    elif refusals:
        why = f"Kept as text, because {refusals[0]}."
    else:
        different = len(text.derive(distinct).values)
        why = f"The {count(len(column) - missing, 'known cell')} hold text, {count(different, 'different value')}."
    sentence = None if ambiguity is None else f"{ambiguity[0].upper()}{ambiguity[1:]}, so they were left as text."
    return Inference(spec if spec.missing or spec.trim else None, why, code=code, ambiguity=sentence)
