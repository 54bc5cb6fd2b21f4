"""Copies are distinguished from rows that are equal by chance."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.relations.duplicates import DuplicateRows, find_duplicate_rows, first_of_equal_rows
from worker_service.core.table.frame import Frame

RNG = np.random.default_rng(3)


def duplicate_rows(columns: dict[str, Any]) -> DuplicateRows:
    frame = Frame.from_table(pa.table(columns))
    sizes = {name: len(column.array.unique()) for name, column in frame.columns.items()}
    return find_duplicate_rows(frame.columns, sizes, frame.rows)


def with_copies(columns: dict[str, Any], copies: int) -> dict[str, Any]:
    return {name: [*values, *list(values)[:copies]] for name, values in columns.items()}


VARIED = {"price": RNG.lognormal(3, 1, 500).round(2), "day": RNG.integers(0, 300, 500), "kind": ["a", "b"] * 250}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("order_id", range(1000, 1500)),
        ("reference", [f"R-{number}" for number in range(500)]),
        ("at", [datetime(2024, 1, 1) + timedelta(minutes=7 * number) for number in range(500)]),
    ],
)
def test_a_key_shows_that_rows_are_copies(name: str, key: Any) -> None:
    duplicates = duplicate_rows(with_copies({**VARIED, name: list(key)}, 20))
    assert (duplicates.count, duplicates.key, duplicates.removable) == (20, name, True)


def test_equal_rows_without_a_key_may_be_two_events() -> None:
    duplicates = duplicate_rows(with_copies(VARIED, 20))
    assert (duplicates.count, duplicates.removable) == (20, False)
    visits = {**VARIED, "customer_id": [number // 2 for number in range(500)]}
    assert not duplicate_rows(with_copies(visits, 20)).removable


def test_names_and_measures_are_no_keys() -> None:
    guests = {**VARIED, "guest": [f"Guest {chr(65 + number % 26)}{chr(65 + number // 26)}" for number in range(500)]}
    assert not duplicate_rows(with_copies(guests, 20)).removable
    measured = {**VARIED, "weight": [float(number) / 7 for number in range(500)]}
    assert not duplicate_rows(with_copies(measured, 20)).removable


def test_a_survey_loses_nobody() -> None:
    columns = {name: RNG.choice(["yes", "no"], 400) for name in ("first", "second", "third")}
    duplicates = duplicate_rows(columns)
    assert duplicates.count > 300
    assert not duplicates.removable


def test_chance_is_considered_where_columns_have_few_values() -> None:
    columns = {name: RNG.integers(0, 6, 300) for name in "abcd"}
    duplicates = duplicate_rows(columns)
    assert duplicates.count > 0
    assert not duplicates.removable
    assert duplicates.expected_share > 0.3


def test_a_single_column_has_no_copies() -> None:
    assert not duplicate_rows({"x": [*range(100), 5]}).removable


def test_missing_cells_are_equal_to_each_other_only() -> None:
    frame = Frame.from_table(pa.table({"x": [None, 0, None, 0], "y": ["a", "a", "a", "b"]}))
    assert first_of_equal_rows(list(frame.columns.values())).tolist() == [True, True, False, True]


def test_a_table_written_twice_is_halved_and_one_of_sales_is_not() -> None:
    columns = {
        "price": RNG.lognormal(3, 1, 100).round(2),
        "kind": ["a", "b"] * 50,
        "code": [f"A{number}" for number in RNG.permutation(100)],
    }
    assert duplicate_rows(with_copies(columns, 100)).removable
    sold = RNG.integers(0, 100, 400)
    sales = {name: np.array(values)[sold] for name, values in columns.items()}
    assert not duplicate_rows(sales).removable
