"""Inference of the type of text columns, and the columns that stay text."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from tests.unit.core.parsing.reading import inferred, values
from worker_service.core.parsing import ReadDecimal, ReadInteger, ReadTimestamp, infer, read
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1", "-5", None), [1, -5, None]),
        (("1,540", " 7 ", "+5"), [1540, 7, 5]),
        (("1", "N/A", "?", "3"), [1, None, None, 3]),
        (("1.5", "2", "1e3", "-0"), [1.5, 2.0, 1000.0, 0.0]),
        (("1,234.50", "2"), [1234.5, 2.0]),
        ((".5", "5."), [0.5, 5.0]),
    ],
)
def test_numbers(cells: tuple[str, ...], expected: list[float]) -> None:
    assert values(*cells) == expected


@pytest.mark.parametrize(
    "cells",
    [
        ("00501", "12345"),
        ("-007", "1"),
        (" 05", "6"),
        ("0x1F", "12"),
        ("1234567890123456789", "1"),
        ("12345678901234567890", "2"),
        ("inf", "1.0"),
        ("1e400", "2.5"),
        ("1_000", "2"),
        ("१२", "३"),
        ("2024-01-05", "2024-02-30"),
        ("31/12/2020", "12/31/2020", "01/02/2020"),
        ("yes", "no", "maybe"),
        ("y", "y"),
    ],
)
def test_stays_text(cells: tuple[str, ...]) -> None:
    assert values(*cells) == [cell.strip() for cell in cells]


def test_zero_and_decimals_below_one_are_no_codes() -> None:
    assert values("0", "1") == [0, 1]
    assert values("0.25", "-0.5") == [0.25, -0.5]


def test_leading_zeros_say_so() -> None:
    inference = inferred("00501", "07030", "90210")
    assert inference.code
    assert inference.why == "Kept as text, because 2 cells such as “00501” and “07030” start with a zero, as codes do."


def test_few_unfit_cells_become_missing_and_are_counted() -> None:
    inference = inferred(*[str(number) for number in range(40)], "abc", "abc")
    assert isinstance(inference.read_as, ReadInteger)
    assert (inference.invalid, inference.examples) == (2, ("abc",))
    assert inference.why == "40 of 42 known cells are whole numbers; 2 are not, such as “abc”."


@pytest.mark.parametrize("unfit_cells", [3, 20])
def test_many_unfit_cells_keep_a_column_text(unfit_cells: int) -> None:
    assert inferred(*["1"] * 40, *["abc"] * unfit_cells).read_as is None


def test_an_unfit_cell_keeps_a_short_column_text() -> None:
    assert inferred(*["1"] * 18, "abc").read_as is None


def test_cast_and_parse_agree() -> None:
    cells = ["1", "2.50", "-3", "1e-7", "123456789012345678", "0.1", "100"]
    plain = Column(pa.array(cells))
    close = Column(pa.array([*cells, " 4 "]))
    spec = ReadDecimal(kind="decimal")
    fast, slow = read(plain, spec), read(close, spec)
    assert fast.column.array.equals(slow.column.array[:-1])
    assert fast.changed.tolist() == slow.changed.tolist()[:-1]


def test_changed_cells_are_those_whose_text_is_another() -> None:
    cells = ["1.5", "1.50", "2", "2.0", "0.25", ".25", "-0.5", "1e3", "-0", "100", "12345678901234567.5", None]
    reading = read(Column(pa.array(cells)), ReadDecimal(kind="decimal"))
    changed = [cell for cell, differs in zip(cells, reading.changed, strict=True) if differs]
    assert changed == ["1.50", "2.0", ".25", "1e3", "12345678901234567.5"]


@pytest.mark.parametrize("cells", [["0.5", "12345678901", "12345678901.5"], ["\u00a05", ".5"], ["5\u00a0", "0.25"]])
def test_every_cell_that_is_written_otherwise_is_a_change(cells: list[str]) -> None:
    reading = read(Column(pa.array(cells)), ReadDecimal(kind="decimal"))
    written = render(reading.column.array).to_pylist()
    assert reading.changed.tolist() == [cell != text for cell, text in zip(cells, written, strict=True)]


def test_an_example_of_what_is_written_otherwise() -> None:
    reading = read(Column(pa.array(["n/a", "11", "11.00", "2.50"])), ReadDecimal(kind="decimal", missing=("n/a",)))
    assert (reading.rewritten, reading.example) == (2, ("11.00", "11"))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("yes", "No", "Y", ""), [True, False, True, None]),
        (("TRUE", "false", "n/a"), [True, False, None]),
    ],
)
def test_booleans(cells: tuple[str, ...], expected: list[bool | None]) -> None:
    assert values(*cells) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("2024-01-05", "2024-02-28", "-"), ["2024-01-05", "2024-02-28", None]),
        (("2024-01-05 10:00", "2024-01-05T11:30:00.25"), ["2024-01-05 10:00:00", "2024-01-05 11:30:00.250000"]),
        (("2024-01-05T10:00:00+02:00", "2024-01-05T10:00:00Z"), ["2024-01-05 08:00:00Z", "2024-01-05 10:00:00Z"]),
        (("31/12/2020", "01/02/2021"), ["2020-12-31", "2021-02-01"]),
        (("12/31/2020", "01/02/2021"), ["2020-12-31", "2021-01-02"]),
        (("31.12.2020 10:00", "1.2.2021 09:15"), ["2020-12-31 10:00:00", "2021-02-01 09:15:00"]),
        (("2020/1/5", "2020/12/31"), ["2020-01-05", "2020-12-31"]),
        (("01/01/2020", "02/02/2021"), ["2020-01-01", "2021-02-02"]),
        (("0001-01-01", "9999-12-31"), ["0001-01-01", "9999-12-31"]),
    ],
)
def test_dates(cells: tuple[str, ...], expected: list[str | None]) -> None:
    column = Column(pa.array(cells, pa.string()))
    spec = column.derive(infer).read_as
    assert spec is not None
    assert render(column.derive(read, spec).column.array).to_pylist() == expected


@pytest.mark.parametrize("main", ["%Y-%m-%d", "%d %b %Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"])
@pytest.mark.parametrize("other", ["%Y-%m-%d", "%b %d, %Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y"])
@pytest.mark.parametrize("every", [2, 3, 20])
def test_dates_in_two_formats_are_read(main: str, other: str, every: int) -> None:
    days = [date(2020, 1, 1) + timedelta(days=17 * row) for row in range(120)]
    cells = [day.strftime(main if row % every else other) for row, day in enumerate(days)]
    assert [moment.date() for moment in values(*cells)] == days


@pytest.mark.parametrize(
    ("main", "other", "expected"),
    [
        ("%d/%m/%Y", "%m/%d/%Y", "but some are day/month and others month/day, and not all show which"),
        ("%Y-%m-%d", "%d/%m/%Y", "in several formats, such as “2020-01-01” and “01/01/2020”, but not all show which"),
    ],
)
def test_dates_of_which_nobody_can_tell_the_order_stay_text(main: str, other: str, expected: str) -> None:
    days = [date(2020, 1 + row // 24, 1 + row // 2 % 12 + 12 * (main != "%Y-%m-%d")) for row in range(240)]
    inference = inferred(*[day.strftime(other if row % 2 else main) for row, day in enumerate(days)])
    assert inference.read_as is None
    assert expected in (inference.ambiguity or "")


def test_years_of_two_digits_far_from_all_others_stay() -> None:
    days = [f"{day:02d}/03/1924" for day in range(1, 29)] * 2
    inference = inferred(*days, "05/03/24", "17/03/24")
    assert (inference.invalid, inference.examples) == (2, ("05/03/24", "17/03/24"))


def test_ambiguous_dates_are_counted() -> None:
    inference = inferred("03/04/2020", "01/02/2021", "")
    assert inference.ambiguity == (
        "The 2 known cells look like dates, such as “03/04/2020” and “01/02/2021”, "
        "but could be day/month or month/day, and none of them shows which, so they were left as text."
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("NA", "DE", "FR", "NA"), ["NA", "DE", "FR", "NA"]),
        (("NA", "Berlin", "Paris", "Rome"), [None, "Berlin", "Paris", "Rome"]),
        (("none", "none", "x"), ["none", "none", "x"]),
        (("none", "a", "b", "c"), ["none", "a", "b", "c"]),
        (("", " ", "a"), [None, None, "a"]),
        (("  padded ", "a"), ["padded", "a"]),
    ],
)
def test_null_words_are_judged_by_column(cells: tuple[str, ...], expected: list[str | None]) -> None:
    assert values(*cells) == expected


@pytest.mark.parametrize("cells", [(), (None, None), ("", "  ", None)])
def test_columns_without_values(cells: tuple[str | None, ...]) -> None:
    assert inferred(*cells).why == "No cell has a value."
    assert values(*cells) == [None] * len(cells)


@pytest.mark.parametrize("edge", ["0000-01-01", "0000-12-31T23:59:59"])
def test_timestamps_outside_the_calendar_do_not_fit(edge: str) -> None:
    inference = inferred(*[f"2024-01-{day:02d}" for day in range(1, 29)], edge)
    assert (inference.invalid, inference.examples) == (1, (edge,))


@pytest.mark.parametrize("edge", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_timestamps_outside_the_calendar_in_utc_do_not_fit(edge: str) -> None:
    inference = inferred(*[f"2024-01-{day:02d}T10:00:00Z" for day in range(1, 29)], edge)
    assert (inference.invalid, inference.examples) == (1, (edge,))
    assert values(edge) == [edge]


def test_infinite_numbers_of_json_become_missing() -> None:
    column = Column(pa.array([1.0, float("inf"), None]))
    inference = column.derive(infer)
    assert (inference.invalid, inference.examples) == (1, ("inf",))
    assert inference.read_as is not None
    assert column.derive(read, inference.read_as).column.array.to_pylist() == [1.0, None, None]


def test_numbers_with_and_without_a_unit_are_ambiguous() -> None:
    inference = inferred(*[str(number) for number in range(60, 100)], "365 sqft", "400 sqft")
    assert inference.read_as is None
    assert inference.ambiguity is not None
    assert "“sqft”" in inference.ambiguity


def test_iso_dates_are_read_among_others() -> None:
    column = Column(pa.array(["13/04/2020", "25/12/2021", "2020-05-17", "01/02/2022"] * 10))
    spec = column.derive(infer).read_as
    assert spec is not None
    reading = column.derive(read, spec)
    assert reading.invalid == 0
    assert render(reading.column.array)[2].as_py() == "2020-05-17"
    assert "or year-month-day" in column.derive(infer).why


def test_codes_with_a_letter_that_looks_like_an_exponent() -> None:
    assert values("8E28", "3E08", "1234", "7E11") == ["8E28", "3E08", "1234", "7E11"]
    assert values("1e5", "2.5e-3", "100") == [100000.0, 0.0025, 100.0]


def test_a_surname_is_no_missing_value() -> None:
    names = [
        f"{first}{last}" for first in ("Mar", "Jo", "Han", "El", "Ka") for last in ("tin", "nes", "sen", "win", "rad")
    ]
    assert values(*names, "Null")[-1] == "Null"
    assert values("a", "b", "Null")[-1] is None


def test_the_singular_is_the_same_unit() -> None:
    assert values("3 stars", "1 star", "5 stars") == [3, 1, 5]


@pytest.mark.parametrize(
    "cells",
    [
        ("1-", "2+", "3", "2-"),
        ("+49151234567", "+49151234999"),
        ("62E33", "9E38", "12"),
        ("9100000000000251", "1.5", "2.5"),
        ("+", "-", "0"),
    ],
)
def test_number_like_codes_stay_text(cells: tuple[str, ...]) -> None:
    assert values(*cells) == list(cells)


def test_one_cell_in_many_does_not_decide_day_and_month() -> None:
    ambiguous = [f"{1 + index % 12:02d}/{1 + index % 11:02d}/2023" for index in range(400)]
    inference = inferred(*ambiguous, "13/05/2023")
    assert inference.read_as is None
    assert inference.ambiguity is not None


@pytest.mark.parametrize(("layout", "name"), [("{month}/1/{year}", "%m/%d/%Y"), ("1/{month}/{year}", "%d/%m/%Y")])
def test_equal_steps_decide_day_and_month(layout: str, name: str) -> None:
    cells = [layout.format(month=1 + row % 12, year=1957 + row // 12) for row in range(40)]
    spec = inferred(*cells).read_as
    assert isinstance(spec, ReadTimestamp)
    assert spec.format == name


def test_steps_that_are_equal_in_both_orders_decide_nothing() -> None:
    assert inferred(*(f"{row:02d}/01/2020" for row in range(1, 13))).ambiguity is not None
    assert inferred(*(f"{1 + row % 12:02d}/{1 + row % 11:02d}/2020" for row in range(40))).ambiguity is not None
