"""Recognition and parsing of whole and decimal numbers."""

import math
import re
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.humanize import count, examples, plural_verb, quoted
from worker_service.core.parsing.amounts import best_format, has_amounts, normalise_numbers, recognise_amounts
from worker_service.core.parsing.characters import Characters
from worker_service.core.parsing.missing import (
    QUANTITY_NULL_WORDS,
    common_null_spellings,
    null_spellings,
    null_word_mask,
    sample_cells,
)
from worker_service.core.parsing.parse import cast, parse
from worker_service.core.parsing.read import cast_column
from worker_service.core.parsing.spec import AnyReadAs, ReadDecimal, ReadInteger, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

_THOUSANDS = r"[1-9]\d{0,2}(,\d{3})+"
_NUMBER = rf"^[+-]?(({_THOUSANDS}|\d+)(\.\d*)?|\.\d+)([eE][+-]?\d{{1,4}})?$"
CONVERTED_DECIMALS = 4
"""Decimals kept of a converted number, and as many more as a small unit needs in a large one."""
_CODE_WITH_E = re.compile(r"\d+[eE]\d+")
_SMALLEST_WITH_POINT = 1e15
"""From here on, numbers with an exponent are written with a decimal point; without one they are codes."""
_TELEPHONE_NUMBER = re.compile(r"\+\d{7,15}")
_GRADE_WITH_SIGN, _GRADE = re.compile(r"[1-6][+-]"), re.compile(r"[1-6]")
_MANY_DIGITS = r"^\s*[+-]?[1-9]\d{15,17}(\.0*)?\s*$"
_CODE_PATTERN = r"^\s*[+-]?(0[0-9xX][^.,]*$|\d{19,}\s*$)"
_SMALLEST_CODE_SHARE = 0.01
"""If a smaller share of the cells starts with a zero, the zeros are taken for typing errors and not for codes."""
_SHORTEST_CODE = 5
"""Cells of equal length and at least this many characters, such as postal codes, are codes at any share of zeros."""
_SAME_LENGTH_SHARE = 0.95
"""The share of cells with the same length from which on all cells count as equally long."""
_NUMERIC = re.compile(_NUMBER)
_CASTABLE = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?|-?\.\d+", re.ASCII)


def recognise(column: Column) -> AnyReadAs | Refused:
    """Return an integer spec if every number is whole, else a decimal spec; refused if the cells look like codes."""
    cells = column.derive(sample_cells, QUANTITY_NULL_WORDS)
    if cells and 2 * sum([_NUMERIC.match(cell) is not None for cell in cells]) < len(cells) and not has_amounts(cells):
        return Refused()
    codes = column.derive(find_codes)
    if codes:
        return Refused(_describe_codes(codes))
    why = _reason_against_numbers(cells)
    if why is not None:
        return Refused(why)
    spec = _recognise_by_cast(column) or _recognise_by_pattern(column)
    return spec if not isinstance(spec, ReadDecimal) else _refuse_inexact(column, spec)


def _reason_against_numbers(cells: tuple[str, ...]) -> str | None:
    """Return why cells that can be read as numbers are codes, telephone numbers or school grades; None if not."""
    codes_with_e = [cell for cell in cells if _CODE_WITH_E.fullmatch(cell)]
    if codes_with_e and (
        len({len(cell) for cell in cells}) == 1 or any(float(cell) >= _SMALLEST_WITH_POINT for cell in codes_with_e)
    ):
        return f"values such as {quoted(codes_with_e[0])} look like codes with a letter"
    telephone_numbers = [cell for cell in cells if _TELEPHONE_NUMBER.fullmatch(cell)]
    if 2 * len(telephone_numbers) > len(cells):
        return f"values such as {quoted(telephone_numbers[0])} look like telephone numbers"
    grades_with_sign = [cell for cell in cells if _GRADE_WITH_SIGN.fullmatch(cell)]
    if grades_with_sign and all(_GRADE_WITH_SIGN.fullmatch(cell) or _GRADE.fullmatch(cell) for cell in cells):
        return f"values such as {quoted(grades_with_sign[0])} look like grades with a plus or minus"
    return None


def _refuse_inexact(column: Column, spec: ReadDecimal) -> ReadDecimal | Refused:
    """Return the spec, refused if whole numbers among the cells have more digits than a double keeps."""
    long = column.array.filter(pc.greater(pc.binary_length(column.array), 15).fill_null(False))
    long = long.filter(pc.match_substring_regex(long, _MANY_DIGITS))
    if not len(long):
        return spec
    return Refused(
        f"{count(len(long), 'cell')} {examples(long[:50].unique().to_pylist()[:3])} have more than 15 digits, "
        "which decimals do not keep"
    )


def recognise_best_fit(column: Column, *, whole: bool) -> AnyReadAs:
    """Return the number format that most cells share, however few."""
    spec = _recognise_by_cast(column) or _recognise_by_pattern(column)
    if not isinstance(spec, ReadInteger | ReadDecimal):
        known = ~column.derive(null_word_mask, QUANTITY_NULL_WORDS)
        spec = best_format(column.derive(distinct), known, column.derive(null_spellings, QUANTITY_NULL_WORDS))
    number_format = spec.model_dump(exclude={"kind"})
    if whole:
        return ReadInteger.model_validate({**number_format, "kind": "integer"})
    return ReadDecimal.model_validate({**number_format, "kind": "decimal"})


def find_codes(column: Column) -> tuple[int, tuple[str, ...]] | None:
    """Return the number of cells that look like codes, with up to three examples; None without codes.

    Codes start with a zero like `00501` or have more than 18 digits, so reading them as numbers would lose a part of
    them. If very few cells start with a zero, it is taken for a typing error.
    """
    cells = Characters.of(column.array)
    candidates = column.array.filter(pa.array(_may_be_code(cells)))
    codes = candidates.filter(pc.match_substring_regex(candidates, _CODE_PATTERN))
    if not len(codes) or not _has_codes(codes, cells, column.known):
        return None
    return len(codes), tuple(codes[:50].unique().to_pylist()[:3])


def _has_codes(codes: pa.Array, cells: Characters, known: int) -> bool:
    lengths = pc.binary_length(codes)
    if len(codes) >= _SMALLEST_CODE_SHARE * known or pc.max(lengths).as_py() > 18:
        return True
    length = lengths[0].as_py()
    return bool(length >= _SHORTEST_CODE and (cells.lengths == length).sum() >= _SAME_LENGTH_SHARE * known)


def _may_be_code(cells: Characters) -> Mask:
    first, second = cells.at(cells.starts), cells.at(cells.starts + 1)
    zero = (first == ord("0")) & (second != ord("."))
    signed = (first == ord("-")) | (first == ord("+")) | (first == ord(" "))
    long = (cells.lengths > 18) & (first <= ord("9"))
    mask: Mask = (cells.lengths > 1) & (zero | signed | long)
    return mask


def _describe_codes(codes: tuple[int, tuple[str, ...]]) -> str:
    cells, code_examples = codes
    zero = any(text.lstrip(" +-").startswith("0") for text in code_examples)
    start, have = plural_verb(cells, "starts", "start"), plural_verb(cells, "has", "have")
    evidence = f"{start} with a zero" if zero else f"{have} more than 18 digits"
    return f"{count(cells, 'cell')} {examples(code_examples)} {evidence}, as codes do"


def _recognise_by_cast(column: Column) -> AnyReadAs | None:
    cells = column.derive(sample_cells, QUANTITY_NULL_WORDS)
    if not cells or not all(_CASTABLE.fullmatch(cell) for cell in cells):
        return None
    # A failing cast is slow, because Arrow goes on to the last cell, so only likely casts are tried.
    factories = [_integer_spec, _decimal_spec] if all(cell.lstrip("-").isdigit() for cell in cells) else [_decimal_spec]
    without_null_words = (create(()) for create in factories)
    with_null_words = (create(column.derive(common_null_spellings)) for create in factories)
    return next(
        (spec for spec in chain(without_null_words, with_null_words) if column.derive(cast_column, spec) is not None),
        None,
    )


def _integer_spec(missing: tuple[str, ...]) -> AnyReadAs:
    return ReadInteger(kind="integer", missing=missing)


def _decimal_spec(missing: tuple[str, ...]) -> AnyReadAs:
    return ReadDecimal(kind="decimal", missing=missing)


def _recognise_by_pattern(column: Column) -> AnyReadAs | Refused:
    distinct_values = column.derive(distinct)
    known = ~column.derive(null_word_mask, QUANTITY_NULL_WORDS)
    if not known.any():
        return Refused()
    return recognise_amounts(distinct_values, known, column.derive(null_spellings, QUANTITY_NULL_WORDS))


@cast.register
def _cast_integers(spec: ReadInteger, text: pa.Array) -> pa.Array | None:
    # Arrow also accepts hexadecimal numbers and 19 digits, which are codes rather than amounts.
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
    # Programs that keep gaps as NaN write whole numbers as `3.0`.
    plain = pc.replace_substring_regex(values, rf"^(.*[0-9])\{spec.decimal_mark}0{{1,2}}$", r"\1")
    return normalise_numbers(spec, plain, whole=True).cast(pa.int64())


@parse.register
def _parse_decimals(spec: ReadDecimal, values: pa.Array) -> pa.Array:
    array = normalise_numbers(spec, values, whole=False).cast(pa.float64())
    factors = [(unit, factor) for unit, factor in zip(spec.units, spec.factors, strict=False) if factor != 1]
    same = tuple(unit for unit in spec.units if unit not in dict(factors))
    in_main_unit = normalise_numbers(spec.model_copy(update={"units": same}), values, whole=False) if factors else None
    for unit, factor in factors:
        converted = normalise_numbers(spec.model_copy(update={"units": (unit, *same)}), values, whole=False)
        has_unit = pc.and_(pc.is_valid(converted), pc.is_null(in_main_unit))
        products = array.to_numpy(zero_copy_only=False) * factor
        rounded = np.round(products, CONVERTED_DECIMALS + max(0, math.ceil(-math.log10(factor))))
        array = pc.if_else(has_unit, pa.array(rounded, from_pandas=True), array)
    return pc.if_else(pc.is_finite(array), array, pa.scalar(None, pa.float64()))
