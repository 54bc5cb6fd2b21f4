"""Personal data: what tells who a person is, how to reach one, or what belongs to one.

A column is named only where nearly all of its values have the shape: by a check digit alone, or by a shape that its
name explains. Where personal data is to be hidden, a miss is worse than a false alarm, and less is enough.
"""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.columns import personal_names as names
from worker_service.core.columns.semantic_types import FEWEST_CELLS, NEARLY_ALL, SemanticType
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

PersonalData = Literal["email", "phone", "card", "iban", "national_id", "name", "address", "birth_date", "other"]
"""What the cells of a column tell of persons; `other` where only the uploader says that they do."""
NOUNS: dict[PersonalData, str] = {
    "email": "e-mail addresses",
    "phone": "telephone numbers",
    "card": "numbers of payment cards",
    "iban": "bank account numbers",
    "national_id": "numbers by which a state knows a person",
    "name": "names of persons",
    "address": "postal addresses",
    "birth_date": "dates of birth",
    "other": "personal data",
}
MANY = 0.5
"""Where personal data is to be hidden, this share of the cells has to have the shape, however few there are."""
_CARD = r"^\s*'?\d(?:[ -]?\d){12,18}(?:\.0)?\s*$"
_IBAN = r"^\s*[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}\s*$"
_STATE_NUMBER = r"^\s*[A-Za-z]{0,3}[-. ]?\d[\d.\- ]{4,14}[A-Za-z]?\s*$"
_NAME = r"^\s*\p{L}[\p{L}\p{M}.'’ -]{0,60}(, ?\p{L}[\p{L}\p{M}.'’ -]{0,60})?\s*$"
_ADDRESS = r"(?s)\p{L}{3,}.*\d|\d.*\p{L}{3,}"
_MARKED_PHONE = r"^\s*[+(]"
_NUMBER_OF_PHONE = r"(?i)^\s*[+(]?\d(?:[\s().\-/]{0,2}\d){6,14}(?:\s*(?:x|ext\.?)\s*\d{1,6})?\s*$"
_SURE_PHONE = r"^\s*(?:\+\d(?:[\s().\-/]{0,2}\d){7,14}|\(\d{2,5}\)[\s.\-]?\d[\d\s.\-]{4,12})\s*$"
_E_MAIL_WITHIN = r"[^@\s,;]@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.\p{L}{2,}(?:[^:/\p{L}\p{N}_.-]|\.?\s|$)"
_DATE = r"^\s*\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?:[ T].*)?\s*$|^\s*(?:18|19|20)\d{2}(?:\d{4})?\s*$"
_WARY_STATE_NUMBER = r"^\s*[A-Za-z0-9][A-Za-z0-9.\-/ ]*\d[A-Za-z0-9.\-/ ]*\d[A-Za-z0-9.\-/ ]*\d[A-Za-z0-9.\-/ ]*$"
_WARY_NAME = r"^\W*\p{L}[\p{L}\p{M}\p{N}\s.'’\"“”&(),/_-]{0,100}$"
_WARY_ADDRESS = r"\p{L}{3,}"
_Candidates = tuple[tuple[PersonalData, bool, str], ...]
"""Kinds, whether the name of the column allows them, and the shape of their values."""
_FEWEST_DIGITS, _MOST_DIGITS = 13, 19


def recognise_personal_data(name: str, column: Column, semantic_type: SemanticType | None) -> PersonalData | None:
    """Return what the cells of a column tell of persons; None if that is nothing, or not known."""
    semantic_name = None if semantic_type is None else semantic_type.name
    if semantic_name == "email":
        return "email"
    if semantic_name == "phone" and (names.is_phone_name(name) or _share(_MARKED_PHONE, column) >= MANY):
        return "phone"
    if column.known < FEWEST_CELLS:
        return None
    if column.is_timestamp:
        return "birth_date" if names.is_birth_name(name) else None
    if column.is_text and _has_check_digits(_IBAN, _is_iban, column, NEARLY_ALL):
        return "iban"
    if _is_long_enough(column) and _has_check_digits(_CARD, _is_card, column, NEARLY_ALL):
        return "card"
    if not column.is_text:
        return None
    candidates: _Candidates = (
        ("name", names.is_person_name(name), _NAME),
        ("address", names.is_address_name(name), _ADDRESS),
        ("national_id", names.is_state_number_name(name), _STATE_NUMBER),
    )
    return next(
        (kind for kind, is_named, shape in candidates if is_named and _share(shape, column) >= NEARLY_ALL), None
    )


def suspect_personal_data(name: str, column: Column, *, is_about_persons: bool = False) -> PersonalData | None:
    """Return what the cells of a column may tell of persons, for hiding it.

    Other than `recognise_personal_data` it needs the shape in half of the cells, of an e-mail address that a cell has
    one in it, and of what its name says hardly more than that it can be so.

    Args:
        name: the name of the column.
        column: its values, as read.
        is_about_persons: True if other columns show that the rows are persons.
    """
    if not column.known or column.is_boolean:
        return None
    if names.is_birth_name(name) and (column.is_timestamp or _share(_DATE, column) >= MANY):
        return "birth_date"
    if column.is_timestamp:
        return None
    if _share(_E_MAIL_WITHIN, column) >= MANY:
        return "email"
    if _has_check_digits(_IBAN, _is_iban, column, MANY) or (names.is_iban_name(name) and _share(_IBAN, column) >= MANY):
        return "iban"
    if _has_check_digits(_CARD, _is_card, column, MANY) or (names.is_card_name(name) and _share(_CARD, column) >= MANY):
        return "card"
    different = len(column.derive(distinct).values)
    # Two words for many rows, such as groom and bride, are no names.
    is_varied = different > 2 or different == column.known
    candidates: _Candidates = (
        ("national_id", names.is_state_number_name(name), _WARY_STATE_NUMBER),
        ("phone", names.is_phone_name(name) and not pa.types.is_floating(column.type), _NUMBER_OF_PHONE),
        ("phone", True, _SURE_PHONE),
        ("name", is_varied and names.is_person_name(name, is_about_persons=is_about_persons), _WARY_NAME),
        ("address", is_varied and names.is_address_name(name), _WARY_ADDRESS),
    )
    return _first_shape(candidates, column, least=MANY)


def plain_texts(values: pa.Array) -> pa.StringArray:
    """Return values as text in which one character has one form: no full-width digits, no unusual spaces."""
    return pc.utf8_normalize(render(values), "NFKC")


def _first_shape(candidates: _Candidates, column: Column, *, least: float) -> PersonalData | None:
    """Return the first kind that the name of the column allows and whose shape its cells have."""
    return next((kind for kind, is_named, shape in candidates if is_named and _share(shape, column) >= least), None)


def _share(shape: str, column: Column) -> float:
    """Return the share of the known cells that have a shape."""
    return _weigh(_matches(shape, column), column)


def _matches(shape: str, column: Column) -> npt.NDArray[np.bool_]:
    """Return the mask of the distinct values that have a shape."""
    matches = pc.match_substring_regex(column.derive(_plain_values), shape)
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _plain_values(column: Column) -> pa.StringArray:
    return plain_texts(column.derive(distinct).values)


def _weigh(mask: npt.NDArray[np.bool_], column: Column) -> float:
    return float(column.derive(distinct).counts[mask].sum()) / column.known


def _has_check_digits(shape: str, check: Callable[[str], bool], column: Column, least: float) -> bool:
    mask = _matches(shape, column)
    if _weigh(mask, column) < least:
        return False
    texts = column.derive(_plain_values).filter(pa.array(mask)).to_pylist()
    mask[np.flatnonzero(mask)] = [check(text) for text in texts]
    return _weigh(mask, column) >= least


def _is_long_enough(column: Column) -> bool:
    """Return False for numbers that have fewer digits than those of payment cards."""
    return not column.is_number or pc.max(column.array).as_py() >= 10 ** (_FEWEST_DIGITS - 1)


def _is_card(text: str) -> bool:
    """Return True if a number has the check digit of payment cards.

    Source: ISO/IEC 7812-1, the algorithm of Luhn. A number of one repeated digit is none.
    """
    digits = [int(digit) for digit in re.sub(r"\D", "", text.strip().removesuffix(".0"))]
    if len(set(digits)) < 2 or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Return True if a text has the check digits of an international bank account number (ISO 13616)."""
    compact = re.sub(r"[\s-]", "", text).upper()
    rearranged = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in rearranged)) % 97 == 1
