"""Whole and decimal numbers written as text."""

import re
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, examples, plural_verb, quoted
from worker_service.core.parsing.amounts import plain_text, promising, recognise_amounts
from worker_service.core.parsing.characters import Characters
from worker_service.core.parsing.missing import NO_MEASURES, null_words, sample, spellings, usual_spellings
from worker_service.core.parsing.parse import cast, parse
from worker_service.core.parsing.read import cast_column
from worker_service.core.parsing.spec import AnyReadAs, ReadDecimal, ReadInteger, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

_THOUSANDS = r"[1-9]\d{0,2}(,\d{3})+"
_NUMBER = rf"^[+-]?(({_THOUSANDS}|\d+)(\.\d*)?|\.\d+)([eE][+-]?\d{{1,4}})?$"
_CONVERTED_DECIMALS = 4
_LETTERED = re.compile(r"\d+[eE]\d+")
_LARGEST_WRITTEN = 1e15
"""Who writes larger numbers with an exponent gives them a decimal point."""
_DIALLED = re.compile(r"\+\d{7,15}")
_GRADED, _SHORT = re.compile(r"[1-6][+-]"), re.compile(r"[1-6]")
_MANY_DIGITS = r"^\s*[+-]?[1-9]\d{15,17}(\.0*)?\s*$"
_CODE = r"^\s*[+-]?(0[0-9xX][^.,]*$|\d{19,}\s*$)"
_FEWEST_CODES = 0.01
"""Where a smaller share of the cells starts with a zero, that is a slip of the pen,"""
_CODE_LENGTH = 5
"""unless nearly all cells have the same length, of at least so many characters, as postal codes have."""
_SAME_LENGTH = 0.95
_LOOKS_NUMERIC = re.compile(_NUMBER)
_PLAIN = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?|-?\.\d+", re.ASCII)


def recognise(column: Column) -> AnyReadAs | Refused:
    """Whole numbers if every number is one, else decimals; refused where a cell looks like a code."""
    cells = column.derive(sample, NO_MEASURES)
    if cells and 2 * sum(bool(_LOOKS_NUMERIC.match(cell)) for cell in cells) < len(cells) and not promising(cells):
        return Refused()
    codes = column.derive(codes_among)
    if codes:
        return Refused(_code_sentence(codes))
    why = _not_amounts(cells)
    if why is not None:
        return Refused(why)
    found = _read_whole(column) or _read_most(column)
    return found if not isinstance(found, ReadDecimal) else _exact(column, found)


def _not_amounts(cells: tuple[str, ...]) -> str | None:
    """Why some cells are codes, telephone numbers or school grades, though they can be read as numbers."""
    lettered = [cell for cell in cells if _LETTERED.fullmatch(cell)]
    if lettered and (
        len({len(cell) for cell in cells}) == 1 or any(float(cell) >= _LARGEST_WRITTEN for cell in lettered)
    ):
        return f"values such as {quoted(lettered[0])} look like codes with a letter"
    dialled = [cell for cell in cells if _DIALLED.fullmatch(cell)]
    if 2 * len(dialled) > len(cells):
        return f"values such as {quoted(dialled[0])} look like telephone numbers"
    graded = [cell for cell in cells if _GRADED.fullmatch(cell)]
    if graded and all(_GRADED.fullmatch(cell) or _SHORT.fullmatch(cell) for cell in cells):
        return f"values such as {quoted(graded[0])} look like grades with a plus or minus"
    return None


def _exact(column: Column, spec: ReadDecimal) -> ReadDecimal | Refused:
    """Decimals, unless whole numbers among them have more digits than a double keeps."""
    long = column.array.filter(pc.greater(pc.binary_length(column.array), 15).fill_null(False))
    long = long.filter(pc.match_substring_regex(long, _MANY_DIGITS))
    if not len(long):
        return spec
    return Refused(
        f"{count(len(long), 'cell')} {examples(long[:50].unique().to_pylist()[:3])} have more than 15 digits, "
        "which decimals do not keep"
    )


def recognise_anyway(column: Column, *, whole: bool) -> AnyReadAs:
    """The notation that most cells share, whatever the others hold; without one plain numbers."""
    found = _read_whole(column) or _read_most(column)
    if isinstance(found, ReadInteger | ReadDecimal):
        notation = found.model_dump(exclude={"kind"})
    else:
        notation = {"missing": column.derive(spellings, NO_MEASURES)}
    if whole:
        return ReadInteger.model_validate({**notation, "kind": "integer"})
    return ReadDecimal.model_validate({**notation, "kind": "decimal"})


def codes_among(column: Column) -> tuple[int, tuple[str, ...]] | None:
    """How many cells start with a zero like `00501` or have more than 18 digits, with examples; None if none does.

    Reading such a cell as a number would lose a part of it. A zero in front of very few cells is no code but a slip.
    """
    cells = Characters.of(column.array)
    chosen = column.array.filter(pa.array(_suspects(cells)))
    found = chosen.filter(pc.match_substring_regex(chosen, _CODE))
    if not len(found) or not _are_codes(found, cells, column.known):
        return None
    return len(found), tuple(found[:50].unique().to_pylist()[:3])


def _are_codes(found: pa.Array, cells: Characters, known: int) -> bool:
    lengths = pc.binary_length(found)
    if len(found) >= _FEWEST_CODES * known or pc.max(lengths).as_py() > 18:
        return True
    length = lengths[0].as_py()
    return bool(length >= _CODE_LENGTH and (cells.lengths == length).sum() >= _SAME_LENGTH * known)


def _suspects(cells: Characters) -> Mask:
    first, second = cells.at(cells.starts), cells.at(cells.starts + 1)
    zero = (first == ord("0")) & (second != ord("."))
    signed = (first == ord("-")) | (first == ord("+")) | (first == ord(" "))
    long = (cells.lengths > 18) & (first <= ord("9"))
    suspects: Mask = (cells.lengths > 1) & (zero | signed | long)
    return suspects


def _code_sentence(codes: tuple[int, tuple[str, ...]]) -> str:
    amount, seen = codes
    zero = any(text.lstrip(" +-").startswith("0") for text in seen)
    start, have = plural_verb(amount, "starts", "start"), plural_verb(amount, "has", "have")
    sign = f"{start} with a zero" if zero else f"{have} more than 18 digits"
    return f"{count(amount, 'cell')} {examples(seen)} {sign}, as codes do"


def _read_whole(column: Column) -> AnyReadAs | None:
    cells = column.derive(sample, NO_MEASURES)
    if not cells or not all(_PLAIN.fullmatch(cell) for cell in cells):
        return None
    # Arrow goes on to the last cell where one can't be read and is slow at it, so only promising casts are tried.
    kinds = [_integer, _decimal] if all(cell.lstrip("-").isdigit() for cell in cells) else [_decimal]
    plain = (kind(()) for kind in kinds)
    with_words = (kind(column.derive(usual_spellings)) for kind in kinds)
    return next((spec for spec in chain(plain, with_words) if column.derive(cast_column, spec) is not None), None)


def _integer(missing: tuple[str, ...]) -> AnyReadAs:
    return ReadInteger(kind="integer", missing=missing)


def _decimal(missing: tuple[str, ...]) -> AnyReadAs:
    return ReadDecimal(kind="decimal", missing=missing)


def _read_most(column: Column) -> AnyReadAs | Refused:
    found = column.derive(distinct)
    known = ~column.derive(null_words, NO_MEASURES)
    if not known.any():
        return Refused()
    return recognise_amounts(found, known, column.derive(spellings, NO_MEASURES))


@cast.register
def _cast_integers(spec: ReadInteger, text: pa.Array) -> pa.Array | None:
    # Arrow also takes hexadecimal and 19 digits, which are codes rather than counts.
    longest = pc.max(pc.binary_length(text)).as_py() or 0
    if not spec.is_plain or longest > 18 or pc.any(pc.starts_with(text, "0x", ignore_case=True)).as_py():
        return None
    return _cast(text, pa.int64())


@cast.register
def _cast_decimals(spec: ReadDecimal, text: pa.Array) -> pa.Array | None:
    if not spec.is_plain:
        return None
    array = _cast(text, pa.float64())
    return array if array is not None and pc.all(pc.is_finite(array)).as_py() is not False else None


def _cast(text: pa.Array, target: pa.DataType) -> pa.Array | None:
    try:
        return text.cast(target)
    except pa.ArrowInvalid:
        return None


@parse.register
def _parse_integers(spec: ReadInteger, values: pa.Array) -> pa.Array:
    return plain_text(spec, values, whole=True).cast(pa.int64())


@parse.register
def _parse_decimals(spec: ReadDecimal, values: pa.Array) -> pa.Array:
    array = plain_text(spec, values, whole=False).cast(pa.float64())
    bare = plain_text(spec.model_copy(update={"units": ()}), values, whole=False) if spec.factors else None
    for unit, factor in zip(spec.units, spec.factors, strict=False):
        with_unit = plain_text(spec.model_copy(update={"units": (unit,)}), values, whole=False)
        chosen = pc.and_(pc.is_valid(with_unit), pc.is_null(bare))
        array = pc.if_else(chosen, pc.round(pc.multiply(array, factor), _CONVERTED_DECIMALS), array)
    return pc.if_else(pc.is_finite(array), array, pa.scalar(None, pa.float64()))
