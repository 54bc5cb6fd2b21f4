"""Numbers within texts are recognised by their shape."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_service.core.parsing.text_numbers import NumberShape, parse_numbers, recognise_shape
from worker_service.core.table.frame import Column


@pytest.mark.parametrize(
    ("text", "shape", "numbers"),
    [
        ("19M", "amount", (19e6,)),
        ("201k", "amount", (201e3,)),
        ("10,000+", "amount", (10_000,)),
        ("US$ 3.5 million", "amount", (3.5e6,)),
        ("1000 kg or more", "amount", (1000,)),
        ("<10", "amount", (10,)),
        ("-5", "amount", (-5,)),
        ("1,5", "amount", (1.5,)),
        ("thirty", "amount", (30,)),
        ("Twenty-five", "amount", (25,)),
        ("twenty ten", "amount", None),
        ("A12", "amount", None),
        ("Varies with device", "amount", None),
        ("", "amount", None),
        ("2100 - 2850", "range", (2100, 2850)),
        ("1056", "range", (1056, 1056)),
        ("$25,000 - $49,999", "range", (25_000, 49_999)),
        ("$100,000 and up", "range", (100_000, 100_000)),
        ("5 to 9 years", "range", (5, 9)),
        ("18–29", "range", (18, 29)),
        ("9 - 5", "range", None),
        ("$60-80K", "range", (60e3, 80e3)),
        ("1-2M", "range", (1e6, 2e6)),
        ("500 m - 800 m", "range", (500, 800)),
        ("5 m - 10 km", "range", None),
        ("€1.000 - €2.500", "range", None),
        ("05-08", "range", None),
        ("9" * 400 + "+", "amount", None),
        (f"$ 5{' ' * 5000}+", "amount", (5,)),
        ("1-2-3", "range", None),
        ("1920x1080", "size", (1920, 1080)),
        ("10 × 20 × 30.5", "size", (10, 20, 30.5)),
        ("1920", "size", None),
        ("1x2x3x4", "size", None),
        ("$2.44M/$537K", "pair", (2.44e6, 537e3)),
        ("3/4", "pair", (3, 4)),
    ],
)
def test_numbers_of_a_text(text: str, shape: NumberShape, numbers: tuple[float, ...] | None) -> None:
    assert parse_numbers(text, shape) == numbers


def shape_of(*texts: str | None) -> tuple[NumberShape, int] | None:
    return recognise_shape(Column(pa.array(texts, pa.string())))


@pytest.mark.parametrize(
    ("texts", "shape"),
    [
        (["19M", "8.7M", "201k", "14M", "Varies with device", None], ("amount", 1)),
        (["10,000+", "500+", "1,000+"], ("amount", 1)),
        (["one", "two", "three"], ("amount", 1)),
        (["18-29", "30-44", "45-60", "60+"], ("range", 2)),
        (["1056", "2100 - 2850", "2600", "1440"], ("range", 2)),
        (["1920x1080", "1366x768"], ("size", 2)),
        (["1x2x3", "4x5x6"], ("size", 3)),
        (["$2M/$5K", "$3M/$7K"], ("pair", 2)),
    ],
)
def test_shapes_of_columns(texts: list[str | None], shape: tuple[NumberShape, int]) -> None:
    assert shape_of(*texts) == shape


@pytest.mark.parametrize(
    "texts",
    [
        ["12", "34", "56"],  # numbers alone
        ["1/2", "3/4", "5/6"],  # may be dates or codes
        ["A1", "B2", "C3"],
        ["Berlin", "Paris", "Rome"],
        ["19M", "red", "blue", "8M"],
        ["5 kg", "5 kg", "5 kg"],
        [f"{number:05d}-{number + 1000:04d}" for number in range(100, 200)],  # codes with a hyphen
        ["1x2", "1x2x3"],
        ["0x01", "0x02", "0x10"],
        [f"{month}-{year}" for month in range(1, 13) for year in (2019, 2020, 2021)],
        [None, None],
    ],
)
def test_columns_without_a_shape(texts: list[str | None]) -> None:
    assert shape_of(*texts) is None


@given(low=st.integers(0, 10**9), high=st.integers(0, 10**9), separator=st.sampled_from([" - ", "–", " to ", " – "]))
def test_the_ends_of_any_range_are_found(low: int, high: int, separator: str) -> None:
    numbers = parse_numbers(f"{low:,}{separator}{high:,}", "range")
    assert numbers == ((low, high) if low <= high else None)
