"""Amounts as people write them: units, local number marks and the minus of accounting."""

from typing import Any

import pint
import pyarrow as pa
import pytest

from tests.unit.core.parsing.reading import inferred, values
from worker_service.core.parsing import infer, infer_in_unit, read
from worker_service.core.parsing.spec import ReadDecimal
from worker_service.core.parsing.units import COUNTING, UNIT_NAMES, conversion_factor
from worker_service.core.table.frame import Column

REGISTRY: pint.UnitRegistry[float] = pint.UnitRegistry()


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
        (("5 kg", "12 kg", "700 g"), [5.0, 12.0, 0.7]),
        (("12 oz", "1 lb", "3 ounces", "2 oz."), [12.0, 16.0, 3.0, 2.0]),
        (("100 sq ft", "250 sqft", "10 m²"), [100.0, 250.0, 107.6391]),
        (("45 m2", "60m²", "70 sq.m"), [45, 60, 70]),
        (("90 min", "2 h", "45 min"), [90.0, 120.0, 45.0]),
        (("1.2k", "900", "3.4M"), [1200.0, 900.0, 3400000.0]),
        (("$1.2M", "$500K"), [1200000.0, 500000.0]),
        (("5 pcs", "7", "9 Stk"), [5, 7, 9]),
        (("3 μg", "2 kg", "5 kg"), [0.000000003, 2.0, 5.0]),
    ],
)
def test_numbers_as_people_write_them(cells: tuple[str, ...], expected: list[Any]) -> None:
    assert values(*cells) == expected


@pytest.mark.parametrize(
    "cells",
    [
        ("5 EUR", "7 USD"),
        ("33 %", "0.5"),
        ("20 °C", "68 °F"),
        ("5 kg", "700 m"),
        ("5 kg", "700 g", "5"),
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


def test_converted_units_and_bare_counts_are_reported() -> None:
    assert inferred("5 kg", "12 kg", "700 g").why == "All 3 known cells are numbers in “kg”, with “g” converted."
    assert inferred("5 pcs", "7", "9").why == "All 3 known cells are whole numbers, some with “pcs”."


def test_a_few_thousands_among_bare_numbers_are_left_alone() -> None:
    cells = [*map(str, range(50, 90)), "55k", "61k", "72k"]
    assert values(*cells) == cells
    assert "“k”" in (inferred(*cells).ambiguity or "")


def test_a_unit_that_was_asked_for_keeps_the_local_number_marks() -> None:
    column = Column(pa.array(["1,5 kg", "2,25", "700 g", "1.250,0 kg"]))
    spec = column.derive(infer_in_unit, "kg").read_as
    assert spec is not None
    assert column.derive(read, spec).column.array.to_pylist() == [1.5, 2.25, 0.7, 1250.0]


def test_a_stray_letter_makes_no_unit() -> None:
    inference = inferred(*map(str, range(60)), "12l", "x59")
    assert (inference.invalid, inference.examples, inference.ambiguity) == (2, ("12l", "x59"), None)


def test_a_word_in_a_few_cells_is_no_unit() -> None:
    cells = [*map(str, range(30)), *(f"{number} approx" for number in range(10))]
    assert values(*cells) == cells


def test_the_factors_are_those_of_the_library() -> None:
    assert conversion_factor("pound", "ounce") == pytest.approx(16)
    assert conversion_factor("mile", "kilometer") == pytest.approx(1.609344)
    assert conversion_factor("hectare", "meter**2") == pytest.approx(10_000)
    assert conversion_factor("million", "thousand") == 1000
    assert conversion_factor("gram", "meter") is None
    assert conversion_factor("degree_Celsius", "degree_Fahrenheit") is None
    assert conversion_factor("USD", "EUR") is None


@pytest.mark.parametrize("name", sorted(UNIT_NAMES - COUNTING))
def test_every_unit_is_known_to_the_library(name: str) -> None:
    assert REGISTRY.parse_units(name) is not None
