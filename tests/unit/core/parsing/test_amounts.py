"""Amounts as people write them: units, local number marks and the minus of accounting."""

from typing import Any

import pyarrow as pa
import pytest

from tests.unit.core.parsing.reading import inferred, values
from worker_service.core.parsing import infer, read
from worker_service.core.parsing.spec import ReadDecimal
from worker_service.core.table.frame import Column


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("18.72 EUR", "7 EUR", None), [18.72, 7.0, None]),
        (("$98.08", "-$5.10", "$1,234.50"), [98.08, -5.1, 1234.5]),
        (("€ 5", "EUR 7", "9€"), [5, 7, 9]),
        (("33%", "12.5 %", "n/a"), [33.0, 12.5, None]),
        (("3.582,97", "9,32", "1.234"), [3582.97, 9.32, 1234.0]),
        (("9,32", "1,234"), [9.32, 1.234]),
        (("0,123", "0,5"), [0.123, 0.5]),
        (("1,234", "5,678"), [1234, 5678]),
        (("1.234", "5.678"), [1.234, 5.678]),
        (("1.234.567", "1.234"), [1234567, 1234]),
        (("(1,234.50)", "20.00"), [-1234.5, 20.0]),
        (("($5.00)", "$(2.00)", "$7.00"), [-5.0, -2.0, 7.0]),
        (("5-", "7"), [-5, 7]),
        (("\u22125.5", "3"), [-5.5, 3.0]),
        (("1\u00a0234,5", "12\u202f345\u202f678,5", "3"), [1234.5, 12345678.5, 3.0]),
        (("1 234,50 kr", "7 kr"), [1234.5, 7.0]),
        (("1'234.50", "2’000'000"), [1234.5, 2000000.0]),
        (("12 kg", "1.5 kg"), [12.0, 1.5]),
        (("100 Stück", "7 Stück"), [100, 7]),
        (("5 €", "7"), [5, 7]),
    ],
)
def test_numbers_as_people_write_them(cells: tuple[str, ...], expected: list[Any]) -> None:
    assert values(*cells) == expected


@pytest.mark.parametrize(
    "cells",
    [
        ("5 EUR", "7 USD"),
        ("33 %", "0.5"),
        ("5 kg", "700 g"),
        ("K12", "K13"),
        ("1st", "2nd"),
        ("12A", "13B"),
        ("12A", "14A"),
        ("192.168.100.101", "192.168.100.200"),
        ("123 456 789", "555 123 456"),
        ("12 345", "54 321"),
        ("(1)", "(2)"),
        ("1.234,50", "1,234.50"),
        ("007 kg", "12 kg"),
        ("<5", "<7"),
        ("1 of 3", "2 of 3"),
        ("10:30", "11:45"),
    ],
)
def test_stays_text(cells: tuple[str, ...]) -> None:
    assert values(*cells) == list(cells)


def test_the_evidence_names_the_unit_and_the_number_format() -> None:
    assert inferred("18,72 EUR", "7,50 EUR").why == (
        "All 2 known cells are numbers in “EUR” with a comma before the decimals."
    )
    assert inferred("33%", "12%").why == "All 2 known cells are whole numbers in “%”."


def test_different_currencies_and_partly_missing_units_are_ambiguous() -> None:
    inference = inferred("5 EUR", "7 EUR", "9 USD")
    assert inference.ambiguity == (
        "The amounts are in different units, “EUR” (2 cells) and “USD” (1 cell), so they were left as text."
    )
    assert "“%”" in (inferred("33 %", "0.5").ambiguity or "")
    assert "1.234,50" in (inferred("1.234,50", "1,234.50").ambiguity or "")


def test_a_cell_without_a_number_in_a_long_column_is_invalid() -> None:
    inference = inferred(*[f"{index},50 €" for index in range(60)], "on request")
    assert (inference.invalid, inference.examples) == (1, ("on request",))
    assert isinstance(inference.read_as, ReadDecimal)


def test_rewritten_amounts_are_changes() -> None:
    column = Column(pa.array(["1.234", "1.234.567", "5", "-5", "\u22127"]))
    spec = column.derive(infer).read_as
    assert spec is not None
    assert column.derive(read, spec).changed.tolist() == [True, True, False, False, True]
