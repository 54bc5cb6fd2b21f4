"""The facts about tables of known content."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile, profile
from worker_service.core.stats.summary import summarise_numbers
from worker_service.core.table.frame import Column, Frame

DAYS = [f"2024-01-{day:02d}" for day in range(1, 31)]


def described(**columns: Any) -> Profile:
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return profile(Frame.from_table(table))


def column(cells: list[str | None], name: str = "x") -> ColumnProfile:
    return described(**{name: cells}).columns[0]


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("x", ["1", "2", "2"], "integer"),
        ("x", ["1.5", "2", "2"], "decimal"),
        ("x", ["yes", "no", "no"], "boolean"),
        ("x", DAYS, "timestamp"),
        ("x", ["red", "blue", "red", "blue"], "category"),
        ("x", ["same"] * 3, "constant"),
        ("x", [None, "", "n/a"], "empty"),
        ("x", [f"note {row} is long" for row in range(30)], "text"),
        ("x", [f"AB-{row}" for row in range(30)], "identifier"),
        ("customer_id", [str(row * 7) for row in range(30)], "identifier"),
        ("customerId", [str(row * 7) for row in range(30)], "identifier"),
        ("row", [str(row) for row in range(1, 31)], "identifier"),
        ("year", [str(year) for year in range(1990, 2020)], "integer"),
        ("store_id", ["1", "2", "3"] * 10, "integer"),
        ("zip", ["00501", "10001", "94105"] * 10, "category"),
        ("code", [f"{row:05d}" for row in range(30)], "identifier"),
        ("x", ["only"], "category"),
    ],
)
def test_type(name: str, cells: list[str | None], expected: str) -> None:
    assert column(cells, name).type == expected


def test_numbers_agree_with_pandas() -> None:
    values = np.random.default_rng(7).exponential(20, 500)
    summary = summarise_numbers(Column(pa.array(values)))
    series = pd.Series(values)
    assert summary.mean == pytest.approx(series.mean())
    assert summary.std == pytest.approx(series.std())
    assert (summary.q1, summary.median, summary.q3) == pytest.approx(tuple(series.quantile([0.25, 0.5, 0.75])))
    standardised = (series - series.mean()) / series.std(ddof=0)
    assert summary.skew == pytest.approx((standardised**3).mean())
    assert summary.kurtosis == pytest.approx((standardised**4).mean() - 3)
    lower, upper = summary.iqr.lower or 0.0, summary.iqr.upper or 0.0
    assert summary.iqr.outside == int(((series < lower) | (series > upper)).sum())


@pytest.mark.parametrize("values", [[1e308, -1e308, 1e308], [1e308] * 3, [5e-324, 0.0], [], [1.0]])
def test_numbers_at_the_edge_are_finite_or_none(values: list[float]) -> None:
    summary = summarise_numbers(Column(pa.array(values, pa.float64())))
    assert summary.model_validate_json(summary.model_dump_json()) == summary


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        ([1.0, 2.0], 0),
        ([1.5, 2.0], 1),
        ([0.29, 1234567.01], 2),
        ([1 / 3, 1.0], None),
        ([1e300, 0.5], 1),
        ([], 0),
        ([0.000001], 6),
    ],
)
def test_decimals_of_a_column(cells: list[float], decimals: int | None) -> None:
    assert summarise_numbers(Column(pa.array(cells, pa.float64()))).decimals == decimals


def test_fences_have_the_decimals_of_the_column() -> None:
    fences = summarise_numbers(Column(pa.array([1.1, 2.2, 3.4, 3.7, 4.9, 40.3]))).iqr
    assert fences.upper == 7.8
    assert (fences.lower, fences.outside) == (0.0, 1)
    negative = summarise_numbers(Column(pa.array([-1.1, 2.2, 3.4, 3.7, 4.9, 40.3]))).iqr
    assert negative.lower == -0.7


def test_fences_stay_where_values_can_be() -> None:
    summary = summarise_numbers(Column(pa.array([0, 1, 2, 30, 31, 40])))
    assert summary.iqr.lower == 0
    assert summary.zscore.lower == 0


def test_quantiles_lie_among_the_values() -> None:
    summary = summarise_numbers(Column(pa.array([9007199254740990, 9007199254740989])))
    assert summary.q1 is not None
    assert summary.maximum is not None
    assert summary.q1 <= summary.maximum


def test_values_too_large_for_a_deviation_have_no_skew() -> None:
    summary = summarise_numbers(Column(pa.array([-1e308, 1.0, 2.0, 3.0])))
    assert (summary.std, summary.skew, summary.kurtosis) == (None, None, None)


def test_missing_distinct_and_top_values() -> None:
    facts = column(["b", "a", "b", None, "", "n/a"])
    assert (facts.missing, facts.distinct) == (3, 2)
    assert [(top.value, top.count) for top in facts.top_values] == [("b", 2), ("a", 1)]
    numbers = column([str(row % 7) for row in range(20)])
    assert [top.value for top in numbers.top_values] == ["0", "1", "2", "3", "4", "5", "6"]
    decimals = column([f"{row % 7}.5" for row in range(20)])
    assert [top.value for top in decimals.top_values] == ["0.5", "1.5", "2.5", "3.5", "4.5"]


def test_time_column_must_rise_without_gaps() -> None:
    assert described(day=DAYS, x=["1"] * 30).time_column == "day"
    assert described(day=DAYS[::-1], x=["1"] * 30).time_column is None
    assert described(day=[*DAYS[:-1], None], x=["1"] * 30).time_column is None
    assert described(day=[*DAYS[:-1], DAYS[-2]], x=["1"] * 30).time_column is None


def test_duplicate_rows_are_counted_by_value() -> None:
    assert described(a=["1", "1.0", "2", None, ""], b=["x", "x", "x", "y", "y"]).duplicates.count == 2
    assert described(a=["1", "2"], b=["x", "x"]).duplicates.count == 0


def test_missing_is_not_zero() -> None:
    assert described(a=["0", None, "0", "1"], b=["x", "x", "y", "y"]).duplicates.count == 0


def test_duplicate_columns_name_the_first() -> None:
    facts = described(a=["1", "2", "2"], b=["1", "2", "2"], c=["2", "1", "2"])
    assert [column.duplicate_of for column in facts.columns] == [None, "a", None]


def test_correlation_skips_pairs_with_a_missing_cell() -> None:
    left, right = ["1", "2", "3", "4", None], ["2", "4", "6", "8.5", "100"]
    correlation = described(a=left, b=right).correlation
    assert correlation is not None
    expected = np.corrcoef([1, 2, 3, 4], [2, 4, 6, 8.5])[0, 1]
    assert correlation.matrix[0][1] == pytest.approx(expected, abs=1e-6)
    assert correlation.matrix[0][0] == 1.0


def test_correlation_samples_long_tables() -> None:
    rows = 50_001
    table = pa.table({"a": np.arange(rows) % 97, "b": np.arange(rows) % 89})
    correlation = profile(Frame.from_table(table)).correlation
    assert correlation is not None
    assert 10_000 < correlation.sampled_rows <= 20_000


def test_undefined_correlation_is_none() -> None:
    table = pa.table({"a": [1.0, 2.0, None, None], "b": [None, None, 1.0, 2.0]})
    correlation = profile(Frame.from_table(table)).correlation
    assert correlation is not None
    assert correlation.matrix[0][1] is None


def test_quantiles_of_neighbouring_doubles_are_in_order() -> None:
    numbers = column(["9007199254740990", "9007199254740989"]).numbers
    assert numbers is not None
    assert numbers.q1 is not None and numbers.q3 is not None
    assert numbers.q1 <= numbers.q3
    assert numbers.iqr.outside == 0
