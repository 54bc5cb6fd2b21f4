"""The columns of the planted table, each with its written and its true values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tests.planted.truth import FLAG, Expected, Percent, Unknown, Value

STATES = ("California", "Texas", "New York", "Florida", "Washington")
SPELLINGS = 8
_MISSPELLED_SHARE = 0.2
_COUNTRIES = ("NA", "ZA", "BW", "DE", "FR", "US", "BR", "IN")
_TRUE = ("Yes", "yes", "Y", "TRUE", "true")
_FALSE = ("No", "no", "N", "FALSE", "false")


@dataclass(frozen=True)
class PlantedColumn:
    """One column of the base rows."""

    written: Sequence[str | None]
    truth: Sequence[Value]
    planted: dict[int, Expected]
    """Row → the expected value of the repaired cell; rows without a fault are absent."""


def identifiers(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return whole numbers that identify customers."""
    numbers = [int(number) for number in random.permutation(np.arange(rows)) * 37 + 1_000_003]
    return PlantedColumn([str(number) for number in numbers], list(numbers), dict(enumerate(numbers)))


def emails(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return a different address for each row."""
    names = ["ada", "li", "noor", "ivan", "zoe", "omar", "mia", "kofi"]
    chosen = random.integers(0, len(names), rows)
    return _as_written([f"{names[index]}.{row:05d}@example.org" for row, index in enumerate(chosen)])


def zips_and_states(random: np.random.Generator, rows: int) -> tuple[PlantedColumn, PlantedColumn]:
    """Return postal codes, 40 % of them with a leading zero, and the states they belong to in 40 spellings."""
    pool = random.choice(np.arange(1000, 99_999), 60, replace=False)
    pool[:24] = random.choice(np.arange(501, 9_999), 24, replace=False)
    codes = [f"{code:05d}" for code in pool]
    states = random.integers(0, len(STATES), len(pool))
    chosen = random.integers(0, len(pool), rows)
    zips = _as_written([codes[index] for index in chosen])
    return zips, _states(random, [STATES[states[index]] for index in chosen])


def _states(random: np.random.Generator, truth: list[str]) -> PlantedColumn:
    written, planted = list(truth), dict[int, Expected]()
    for row in np.flatnonzero(random.random(len(truth)) < _MISSPELLED_SHARE):
        written[row] = spellings(truth[row])[random.integers(1, SPELLINGS)]
        planted[int(row)] = truth[row]
    return PlantedColumn(written, list(truth), planted)


def spellings(name: str) -> tuple[str, ...]:
    """Return eight spellings of a name, the right one first."""
    swapped = name[:2] + name[3] + name[2] + name[4:]
    doubled = name[:4] + name[3:]
    return (name, name.lower(), name.upper(), f" {name}", f"{name} ", swapped, name[:-2] + name[-1], doubled)


def countries(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return country codes; the planted cells are those of Namibia, `NA`."""
    values = [_COUNTRIES[index] for index in random.integers(0, len(_COUNTRIES), rows)]
    return PlantedColumn(values, list(values), {row: "NA" for row, value in enumerate(values) if value == "NA"})


def prices(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return dollars and cents with thousands separators, 3 % missing."""
    return _numbers(random, random.lognormal(6, 1, rows).round(2).tolist(), lambda value: f"${value:,.2f}")


def discounts(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return percentages with one decimal, 3 % missing."""
    values = [Percent(round(value, 1)) for value in random.uniform(0, 60, rows)]
    return _numbers(random, values, lambda value: f"{value:.1f}%")


def memberships(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return booleans in ten words."""
    truth = [bool(value) for value in random.random(rows) < 0.4]
    words = random.integers(0, len(_TRUE), rows)
    written = [(_TRUE if value else _FALSE)[index] for value, index in zip(truth, words, strict=True)]
    return PlantedColumn(written, list(truth), dict(enumerate(truth)))


def signups(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return days as dd/mm/yyyy, in random order."""
    days = [datetime(2019, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 1800, rows)]
    return PlantedColumn([f"{day:%d/%m/%Y}" for day in days], list(days), dict(enumerate(days)))


def visits(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return timestamps in UTC as ISO 8601 with T and Z."""
    seconds = random.integers(0, 31_000_000, rows)
    timestamps = [datetime(2023, 1, 1) + timedelta(seconds=int(second)) for second in seconds]
    written = [f"{timestamp.isoformat()}Z" for timestamp in timestamps]
    return PlantedColumn(written, list(timestamps), dict(enumerate(timestamps)))


def ages(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return ages, 3 % of them written as 999; an imputed value lies between 30 and 60, a capped one does not."""
    truth: list[Value] = [int(age) for age in random.normal(44, 13, rows).clip(18, 90)]
    planted: dict[int, Expected] = {int(row): Unknown(30, 60) for row in np.flatnonzero(random.random(rows) < 0.03)}
    written = ["999" if row in planted else str(age) for row, age in enumerate(truth)]
    return PlantedColumn(written, [None if row in planted else age for row, age in enumerate(truth)], planted)


def weights(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return weights in kilograms, 1 % of them a hundred times too large."""
    truth = random.normal(72, 9, rows).clip(45, 110).round(1).tolist()
    planted: dict[int, Expected] = {int(row): truth[row] for row in np.flatnonzero(random.random(rows) < 0.01)}
    written = [f"{round(value * 100) if row in planted else value}" for row, value in enumerate(truth)]
    return PlantedColumn(written, truth, planted)


def incomes(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return yearly incomes; the larger one is, the likelier its cell says `?` or `refused` instead."""
    values = random.lognormal(10.6, 0.5, rows).round(0)
    is_hidden = random.random(rows) < 0.6 * (values.argsort().argsort() / rows) ** 3
    planted: dict[int, Expected] = {int(row): FLAG for row in np.flatnonzero(is_hidden)}
    words = [("?", "refused")[index] for index in random.integers(0, 2, rows)]
    written = [words[row] if row in planted else str(int(value)) for row, value in enumerate(values)]
    return PlantedColumn(written, [None if row in planted else int(value) for row, value in enumerate(values)], planted)


def branches(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return a category without faults; only its copy is planted."""
    names = ("north", "south", "east", "west")
    return _as_written([names[index] for index in random.integers(0, len(names), rows)])


def churned(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Return the target: 0 or 1."""
    values = [int(value) for value in random.random(rows) < 0.3]
    return PlantedColumn([str(value) for value in values], list(values), {})


def closing_fees(random: np.random.Generator, target: PlantedColumn) -> PlantedColumn:
    """Return a leak, known only after the target: about 80 if the customer left, else about 5."""
    means = [80.0 if value else 5.0 for value in target.truth]
    values = random.normal(means, 2.0).clip(0.1).round(2).tolist()
    return PlantedColumn([str(value) for value in values], list(values), dict.fromkeys(range(len(values)), FLAG))


def constant(rows: int) -> PlantedColumn:
    """Return the same word in every row."""
    return _as_written(["crm"] * rows)


def _as_written(values: Sequence[str]) -> PlantedColumn:
    return PlantedColumn(values, list(values), dict(enumerate(values)))


def _numbers(random: np.random.Generator, values: Sequence[float], write: Callable[[float], str]) -> PlantedColumn:
    missing = random.random(len(values)) < 0.03
    truth: list[Value] = [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]
    written = [None if is_missing else write(value) for value, is_missing in zip(values, missing, strict=True)]
    return PlantedColumn(written, truth, {row: value for row, value in enumerate(truth) if value is not None})
