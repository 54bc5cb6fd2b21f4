"""Personal data: what tells who a person is, how to reach one, or what belongs to one.

A column is named only where its values have the shape: by a check digit alone, or by a shape that its name explains.
"""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.columns.name_hints import name_words
from worker_service.core.columns.semantic_types import FEWEST_CELLS, NEARLY_ALL, PATTERNS, SemanticType
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
_PERSON_WORDS = """
first last given family middle maiden full sur fore patient customer client employee person user contact student teacher
owner holder author passenger driver guest member spouse parent child
"""
"""Words beside `name` that say that it is one of a person."""
_NAME_WORDS = """
firstname lastname surname forename fullname vorname nachname prénom prenom apellido apellidos cognome achternaam
cardholder
"""
_ADDRESS_WORDS = "street address addr adresse anschrift straße strasse dirección direccion indirizzo"
_OTHER_ADDRESS_WORDS = "ip mac web url email mail wallet memory http"
_BIRTH_WORDS = "dob birthdate birthday birth geburtsdatum geburtstag"
_STATE_NUMBER_WORDS = "ssn nino cpf dni nif passport aadhaar pesel bsn"
_PERSONS, _NAMES = frozenset(_PERSON_WORDS.split()), frozenset(_NAME_WORDS.split())
_ADDRESSES, _OTHER_ADDRESSES = frozenset(_ADDRESS_WORDS.split()), frozenset(_OTHER_ADDRESS_WORDS.split())
_BIRTHS, _STATE_NUMBERS = frozenset(_BIRTH_WORDS.split()), frozenset(_STATE_NUMBER_WORDS.split())
_CONTACTS: tuple[PersonalData, ...] = ("email", "phone")
_SHAPES: dict[PersonalData, str] = {
    "email": r"[^@\s,;]@[^@\s,;.]+\.[^@\s,;.]",
    "phone": PATTERNS["phone"],
    "card": r"^\s*\d(?:[ -]?\d){12,18}\s*$",
    "iban": r"^\s*[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}\s*$",
    "national_id": r"^\s*[A-Za-z]{0,3}[-. ]?\d[\d.\- ]{4,14}[A-Za-z]?\s*$",
    "name": r"^\s*\p{L}[\p{L}\p{M}.'’ -]{0,60}(, ?\p{L}[\p{L}\p{M}.'’ -]{0,60})?\s*$",
    "address": r"\p{L}{3,}.*\d|\d.*\p{L}{3,}",
}


MANY = 0.5
"""Where personal data is to be hidden, this share of the cells has to have the shape, however few there are."""


def recognise_personal_data(name: str, column: Column, semantic_type: SemanticType | None) -> PersonalData | None:
    """Return what the cells of a column tell of persons; None if that is nothing, or not known."""
    if semantic_type is not None and semantic_type.name in ("email", "phone"):
        return "email" if semantic_type.name == "email" else "phone"
    if column.known < FEWEST_CELLS:
        return None
    return _by_values(name, column, least=NEARLY_ALL)


def suspect_personal_data(name: str, column: Column) -> PersonalData | None:
    """Return what the cells of a column may tell of persons: to hide too little is worse than to hide too much.

    Other than `recognise_personal_data` it needs the shape in half of the cells only, and of an e-mail address that a
    cell has one in it.
    """
    if not column.known:
        return None
    if column.is_text:
        for kind in _CONTACTS:
            if _has_shape(kind, column, least=MANY):
                return kind
    return _by_values(name, column, least=MANY)


def _by_values(name: str, column: Column, *, least: float) -> PersonalData | None:
    words = set(name_words(name))
    is_birth = not words.isdisjoint(_BIRTHS)
    if column.is_timestamp or (is_birth and least < NEARLY_ALL):
        return "birth_date" if is_birth else None
    return _by_check_digit(column, least) or (_by_name(words, column, least) if column.is_text else None)


def _by_check_digit(column: Column, least: float) -> PersonalData | None:
    if column.is_text and _has_shape("iban", column, least=least) and _share(column, _is_iban) >= least:
        return "iban"
    is_whole = column.is_text or pa.types.is_integer(column.array.type)
    if is_whole and _has_shape("card", column, least=least) and _share(column, _is_card) >= least:
        return "card"
    return None


def _by_name(words: set[str], column: Column, least: float) -> PersonalData | None:
    is_name = not words.isdisjoint(_NAMES) or ("name" in words and not words.isdisjoint(_PERSONS))
    is_address = not words.isdisjoint(_ADDRESSES) and words.isdisjoint(_OTHER_ADDRESSES)
    candidates: tuple[tuple[PersonalData, bool], ...] = (
        ("name", is_name),
        ("address", is_address),
        ("national_id", not words.isdisjoint(_STATE_NUMBERS)),
    )
    return next((kind for kind, is_named in candidates if is_named and _has_shape(kind, column, least=least)), None)


def _has_shape(kind: PersonalData, column: Column, *, least: float) -> bool:
    """Return True if at least this share of the known cells has the shape."""
    values = column.derive(distinct)
    matches: npt.NDArray[np.bool_] = pc.match_substring_regex(render(values.values), _SHAPES[kind]).to_numpy(
        zero_copy_only=False
    )
    return int(values.counts[matches.astype(bool)].sum()) >= least * column.known


def _share(column: Column, check: Callable[[str], bool]) -> float:
    values = column.derive(distinct)
    passed = np.array([check(text) for text in render(values.values).to_pylist()], dtype=bool)
    return float(values.counts[passed].sum()) / column.known


def _is_card(text: str) -> bool:
    """Return True if a number has the check digit of payment cards.

    Source: ISO/IEC 7812-1, the algorithm of Luhn. A number of one repeated digit is none.
    """
    digits = [int(digit) for digit in re.sub(r"\D", "", text)]
    if len(set(digits)) < 2:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Return True if a text has the check digits of an international bank account number (ISO 13616)."""
    compact = "".join(text.split()).upper()
    rearranged = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in rearranged)) % 97 == 1
