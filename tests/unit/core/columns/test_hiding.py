"""What is left of personal data once it is hidden."""

from typing import Any

import pyarrow as pa
import pytest

from worker_service.core.columns.hiding import hash_column, mask_column
from worker_service.core.columns.personal_data import PersonalData
from worker_service.core.table.frame import Column

MASKED: list[tuple[PersonalData, str, str | None]] = [
    ("email", "ada.lovelace+x@Example.org", "***@example.org"),
    ("email", " ada@example.org ", "***@example.org"),
    ("email", "ask ada@example.org or me", "***"),
    ("email", "ada", "***"),
    ("email", "@secretname", "***"),
    ("email", "ada@example.org,Tel:0170-12345", "***"),
    ("email", "ada@example.org?name=Secret", "***"),
    ("card", "4929 1234 5678 9012", "***9012"),
    ("card", "4929123456789012", "***9012"),
    ("card", "9012", "***"),
    ("card", "4929\u00a01234\u00a05678\u00a09012", "***9012"),
    ("phone", "+44 (20) 7946-0912", "***12"),
    ("phone", "112", "***"),
    ("iban", "de89 3704 0044 0532 0130 00", "DE***3000"),
    ("iban", "89370400440532013000", "***3000"),
    ("birth_date", "1984-07-12", "1984"),
    ("birth_date", "12.07.1984", "1984"),
    ("birth_date", "12/07/84", None),
    ("birth_date", "219845", None),
    ("name", "Ada Lovelace", "***"),
    ("address", "12 Baker Street", "***"),
    ("national_id", "123-45-6789", "***"),
    ("other", "anything", "***"),
]


@pytest.mark.parametrize(("kind", "value", "masked"), MASKED)
def test_a_mask_keeps_only_what_many_share(kind: PersonalData, value: str, masked: str | None) -> None:
    assert mask_column(Column(pa.array([value, None])), kind, ()).array.to_pylist() == [masked, None]


def test_words_for_missing_stay() -> None:
    column = Column(pa.array(["n/a", "", "Ada", None]))
    for after in (mask_column(column, "name", ("n/a", "")), hash_column(column, "name", ("n/a", ""), b"key")):
        first, second, third, fourth = after.array.to_pylist()
        assert (first, second, fourth) == ("n/a", "", None)
        assert third not in ("Ada", None)


def hashes(kind: PersonalData, values: list[Any], key: bytes = b"key of ada") -> list[Any]:
    return list(hash_column(Column(pa.array(values)), kind, (), key).array.to_pylist())


@pytest.mark.parametrize(
    ("kind", "same"),
    [
        ("email", ["ada@example.org", " Ada@Example.org "]),
        ("card", ["4929 1234 5678 9012", "4929-1234-5678-9012", "4929123456789012"]),
        ("phone", ["+44 (20) 7946 0912", "+442079460912", "0044 20 7946-0912"]),
        ("iban", ["DE89 3704", "de893704"]),
        ("name", ["José", "José ", "Jose\u0301"]),
    ],
)
def test_one_value_has_one_hash_however_it_is_written(kind: PersonalData, same: list[str]) -> None:
    first, *others = hashes(kind, [*same, "another"])
    assert set(others[:-1]) == {first}
    assert others[-1] != first
    assert len(first) == 32


def test_only_the_owner_of_the_key_can_compute_a_hash() -> None:
    assert hashes("email", ["ada@example.org"], b"key of bob") != hashes("email", ["ada@example.org"])


@pytest.mark.parametrize("values", [[], [None, None], [4929123456789012, None]])
def test_empty_columns_and_numbers_can_be_hidden(values: list[Any]) -> None:
    column = Column(pa.array(values, pa.int64()))
    for after in (mask_column(column, "card", ()), hash_column(column, "card", (), b"key")):
        assert after.is_text
        assert after.missing == column.missing
