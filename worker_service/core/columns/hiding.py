"""Cells of personal data without what tells who a person is: masked, or replaced by a keyed hash."""

import hashlib
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.columns.personal_data import PersonalData, plain_texts
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

HIDDEN = "***"
"""What stands for the part of a value that is hidden."""
HASH_BYTES = 16
"""The size of a hash: of a billion values, two are equal by chance once in 10^20."""
_WITHOUT_CASE = ("email", "iban")
_SEPARATORS = r"[\s().\-/]"


def mask_column(column: Column, kind: PersonalData, missing: tuple[str, ...]) -> Column:
    """Return a column as text that keeps only what many share.

    Of an e-mail address the domain stays, of a card number the last four digits, of a telephone number the last two,
    of a bank account number the country and the last four, of a date of birth the year, where it is written out; of all
    others nothing.

    Args:
        column: a decoded column.
        kind: what it tells of persons.
        missing: the texts that stand for missing, which stay.
    """
    return _replace_values(column, missing, _MASKS.get(kind, _hide))


def hash_column(column: Column, kind: PersonalData, missing: tuple[str, ...], key: bytes) -> Column:
    """Return a column as text in which equal values have equal hashes, which only the owner of the key can compute.

    What writes the same value differently (spaces around it, the case of an e-mail address, marks within a number) is
    left out before. Source: keyed BLAKE2b, RFC 7693, of 16 bytes, in hexadecimal.
    """

    def hash_texts(texts: pa.StringArray) -> pa.StringArray:
        plain = _normalise(texts, kind).to_pylist()
        return pa.array(
            [hashlib.blake2b(text.encode(), key=key, digest_size=HASH_BYTES).hexdigest() for text in plain], pa.string()
        )

    return _replace_values(column, missing, hash_texts)


def _replace_values(
    column: Column, missing: tuple[str, ...], replace: Callable[[pa.StringArray], pa.StringArray]
) -> Column:
    """Return the column with each different value replaced once, and words for missing left as they are."""
    values = column.derive(distinct)
    written = render(values.values)
    is_missing = pc.is_in(written, pa.array(missing, pa.string()))
    return Column(values.spread(pc.if_else(is_missing, written, replace(plain_texts(values.values)))))


def _normalise(texts: pa.StringArray, kind: PersonalData) -> pa.StringArray:
    plain = pc.utf8_trim_whitespace(texts)
    if kind in ("phone", "card", "iban", "national_id"):
        plain = pc.replace_substring_regex(plain, _SEPARATORS, "")
    if kind == "phone":
        plain = pc.replace_substring_regex(plain, r"^(?:\+|00)", "+")
    return pc.utf8_lower(plain) if kind in _WITHOUT_CASE else plain


def _hide(texts: pa.StringArray) -> pa.StringArray:
    return pa.array([HIDDEN] * len(texts), pa.string())


def _mask_email(texts: pa.StringArray) -> pa.StringArray:
    return _keep(pc.utf8_lower(texts), r"^\s*[^@\s]+(?P<kept>@(?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}_-]+)\s*$")


def _mask_card(texts: pa.StringArray) -> pa.StringArray:
    return _keep(_normalise(texts, "card"), r"^.*\d{8}(?P<kept>\d{4})$")


def _mask_phone(texts: pa.StringArray) -> pa.StringArray:
    return _keep(_normalise(texts, "phone"), r"^.*\d{5}(?P<kept>\d{2})$")


def _mask_iban(texts: pa.StringArray) -> pa.StringArray:
    plain = pc.utf8_upper(_normalise(texts, "iban"))
    countries = pc.replace_substring_regex(plain, r"^([A-Z]{2})?.*$", r"\1")
    return pc.binary_join_element_wise(countries, _keep(plain, r"^.*\w{8}(?P<kept>\w{4})$"), "")


def _mask_birth_date(texts: pa.StringArray) -> pa.StringArray:
    years = pc.struct_field(pc.extract_regex(texts, r"(?:^|\D)(?P<year>(?:18|19|20)\d{2})(?:\D|$)"), "year")
    return pc.if_else(pc.equal(pc.fill_null(years, ""), ""), pa.scalar(None, pa.string()), years)


def _keep(texts: pa.StringArray, pattern: str) -> pa.StringArray:
    """Return `***` and what the group `kept` of the pattern matches; of texts of another form, nothing is kept."""
    kept = pc.struct_field(pc.extract_regex(texts, pattern), "kept")
    return pc.binary_join_element_wise(HIDDEN, pc.fill_null(kept, ""), "")


_MASKS: dict[PersonalData, Callable[[pa.StringArray], pa.StringArray]] = {
    "email": _mask_email,
    "phone": _mask_phone,
    "card": _mask_card,
    "iban": _mask_iban,
    "birth_date": _mask_birth_date,
}
