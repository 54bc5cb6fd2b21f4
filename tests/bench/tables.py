"""Generated tables for the benchmarks."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv


def mixed_table(rows: int, columns: int, *, seed: int = 0) -> pa.Table:
    """Return a table with decimals, integers, categories, dates and booleans in turn, 5 % of the cells missing."""
    random = np.random.default_rng(seed)
    makers = (_decimal, _integer, _category, _decimal, _skewed, _date, _boolean, _integer, _category, _decimal)
    return pa.table({f"{makers[i % 10].__name__[1:]}_{i}": makers[i % 10](random, rows) for i in range(columns)})


def small_table(rows: int, *, seed: int = 0) -> pa.Table:
    """Return a table of ten columns with a target, gaps in three of them, levels, texts and dates."""
    random = np.random.default_rng(seed)
    cities = np.array(["Rome", "Oslo", "Paris", "Lima", "Cairo", "Tokyo"])[random.integers(0, 6, rows)]
    age, income = random.normal(40, 12, rows).clip(18, 90).round(), random.lognormal(8, 0.5, rows).round(2)
    gaps = random.random((3, rows)) < 0.1
    return pa.table(
        {
            "customer": pa.array(np.arange(1, rows + 1)),
            "city": pa.array(cities, mask=gaps[0]),
            "plan": pa.array(np.array(["basic", "pro", "team"])[random.integers(0, 3, rows)]),
            "age": pa.array(age.astype(np.int64), mask=gaps[1]),
            "income": pa.array(income, mask=gaps[2]),
            "visits": pa.array(random.poisson(4, rows)),
            "score": pa.array(random.normal(size=rows).round(3)),
            "joined": pa.array(np.datetime64("2026-01-01") + (np.arange(rows) % 300).astype("timedelta64[D]")),
            "note": pa.array([f"asks about order {number}" for number in random.integers(0, 200, rows)]),
            "churned": pa.array(np.where(age + random.normal(0, 10, rows) > 45, "yes", "no")),
        }
    )


def write_csv(table: pa.Table, path: Path) -> Path:
    """Write a table as a CSV file and return its path."""
    pacsv.write_csv(table, path)
    return path


def _missing_mask(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.random(rows) < 0.05


def _decimal(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(random.normal(50, 12, rows).round(3), mask=_missing_mask(random, rows))


def _skewed(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(random.lognormal(3, 1, rows).round(2), mask=_missing_mask(random, rows))


def _integer(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(random.poisson(40, rows), mask=_missing_mask(random, rows))


def _category(random: np.random.Generator, rows: int) -> pa.Array:
    names = np.array(["north", "south", "east", "west", "centre", "abroad"])
    return pa.array(names[random.integers(0, len(names), rows)], mask=_missing_mask(random, rows))


def _boolean(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(np.where(random.random(rows) < 0.3, "yes", "no"), mask=_missing_mask(random, rows))


def _date(random: np.random.Generator, rows: int) -> pa.Array:
    days = np.datetime64("2020-01-01") + random.integers(0, 1500, rows).astype("timedelta64[D]")
    return pa.array(days, mask=_missing_mask(random, rows))
