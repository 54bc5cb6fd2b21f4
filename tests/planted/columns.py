"""The columns of the planted table, each as written and as it truly is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tests.planted.truth import FLAG, Expected, Percent, Unknown, Value

STATES = ("California", "Texas", "New York", "Florida", "Washington")
SPELLINGS = 8
_SPELLED_OTHERWISE = 0.2
_COUNTRIES = ("NA", "ZA", "BW", "DE", "FR", "US", "BR", "IN")
_TRUE = ("Yes", "yes", "Y", "TRUE", "true")
_FALSE = ("No", "no", "N", "FALSE", "false")


@dataclass(frozen=True)
class PlantedColumn:
    """One column of the base rows."""

    written: Sequence[str | None]
    truth: Sequence[Value]
    planted: dict[int, Expected]
    """Row → what a repair makes of the cell; rows whose text is no fault are absent."""


def identifiers(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Whole numbers that name a customer."""
    numbers = [int(number) for number in random.permutation(np.arange(rows)) * 37 + 1_000_003]
    return PlantedColumn([str(number) for number in numbers], list(numbers), dict(enumerate(numbers)))


def emails(random: np.random.Generator, rows: int) -> PlantedColumn:
    """An address for each row."""
    names = ["ada", "li", "noor", "ivan", "zoe", "omar", "mia", "kofi"]
    chosen = random.integers(0, len(names), rows)
    return _as_written([f"{names[place]}.{row:05d}@example.org" for row, place in enumerate(chosen)])


def zips_and_states(random: np.random.Generator, rows: int) -> tuple[PlantedColumn, PlantedColumn]:
    """Postal codes, 40 % of them with a leading zero, and the state that each of them belongs to, in 40 spellings."""
    pool = random.choice(np.arange(1000, 99_999), 60, replace=False)
    pool[:24] = random.choice(np.arange(501, 9_999), 24, replace=False)
    codes = [f"{code:05d}" for code in pool]
    homes = random.integers(0, len(STATES), len(pool))
    chosen = random.integers(0, len(pool), rows)
    zips = _as_written([codes[place] for place in chosen])
    return zips, _states(random, [STATES[homes[place]] for place in chosen])


def _states(random: np.random.Generator, truth: list[str]) -> PlantedColumn:
    written, planted = list(truth), dict[int, Expected]()
    for row in np.flatnonzero(random.random(len(truth)) < _SPELLED_OTHERWISE):
        written[row] = spellings(truth[row])[random.integers(1, SPELLINGS)]
        planted[int(row)] = truth[row]
    return PlantedColumn(written, list(truth), planted)


def spellings(name: str) -> tuple[str, ...]:
    """Eight ways to write a name, the right one first."""
    swapped = name[:2] + name[3] + name[2] + name[4:]
    doubled = name[:4] + name[3:]
    return (name, name.lower(), name.upper(), f" {name}", f"{name} ", swapped, name[:-2] + name[-1], doubled)


def countries(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Country codes; those of Namibia are the planted cells."""
    values = [_COUNTRIES[place] for place in random.integers(0, len(_COUNTRIES), rows)]
    return PlantedColumn(values, list(values), {row: "NA" for row, value in enumerate(values) if value == "NA"})


def prices(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Dollars and cents with thousands marks, 3 % missing."""
    return _numbers(random, random.lognormal(6, 1, rows).round(2).tolist(), lambda value: f"${value:,.2f}")


def discounts(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Percentages with one decimal, 3 % missing."""
    values = [Percent(round(value, 1)) for value in random.uniform(0, 60, rows)]
    return _numbers(random, values, lambda value: f"{value:.1f}%")


def memberships(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Yes and no in ten words."""
    truth = [bool(value) for value in random.random(rows) < 0.4]
    places = random.integers(0, len(_TRUE), rows)
    written = [(_TRUE if value else _FALSE)[place] for value, place in zip(truth, places, strict=True)]
    return PlantedColumn(written, list(truth), dict(enumerate(truth)))


def signups(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Days as dd/mm/yyyy, in no order."""
    days = [datetime(2019, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 1800, rows)]
    return PlantedColumn([f"{day:%d/%m/%Y}" for day in days], list(days), dict(enumerate(days)))


def visits(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Moments in UTC as ISO 8601 with T and Z."""
    moments = [datetime(2023, 1, 1) + timedelta(seconds=int(second)) for second in random.integers(0, 31_000_000, rows)]
    return PlantedColumn([f"{moment.isoformat()}Z" for moment in moments], list(moments), dict(enumerate(moments)))


def ages(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Years, 3 % of them written as 999; a guess of what they are lies in the middle, a cap at a fence does not."""
    truth: list[Value] = [int(age) for age in random.normal(44, 13, rows).clip(18, 90)]
    planted: dict[int, Expected] = {int(row): Unknown(30, 60) for row in np.flatnonzero(random.random(rows) < 0.03)}
    written = ["999" if row in planted else str(age) for row, age in enumerate(truth)]
    return PlantedColumn(written, [None if row in planted else age for row, age in enumerate(truth)], planted)


def weights(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Kilograms, 1 % of them a hundred times too large."""
    truth = random.normal(72, 9, rows).clip(45, 110).round(1).tolist()
    planted: dict[int, Expected] = {int(row): truth[row] for row in np.flatnonzero(random.random(rows) < 0.01)}
    written = [f"{round(value * 100) if row in planted else value}" for row, value in enumerate(truth)]
    return PlantedColumn(written, truth, planted)


def incomes(random: np.random.Generator, rows: int) -> PlantedColumn:
    """Yearly income; the larger it is, the likelier the cell says `?` or `refused` instead."""
    values = random.lognormal(10.6, 0.5, rows).round(0)
    silent = random.random(rows) < 0.6 * (values.argsort().argsort() / rows) ** 3
    planted: dict[int, Expected] = {int(row): FLAG for row in np.flatnonzero(silent)}
    words = [("?", "refused")[place] for place in random.integers(0, 2, rows)]
    written = [words[row] if row in planted else str(int(value)) for row, value in enumerate(values)]
    return PlantedColumn(written, [None if row in planted else int(v) for row, v in enumerate(values)], planted)


def branches(random: np.random.Generator, rows: int) -> PlantedColumn:
    """A plain category; planted only through its copy."""
    names = ("north", "south", "east", "west")
    return _as_written([names[place] for place in random.integers(0, len(names), rows)])


def churned(random: np.random.Generator, rows: int) -> PlantedColumn:
    """What is to be predicted: 0 or 1."""
    values = [int(value) for value in random.random(rows) < 0.3]
    return PlantedColumn([str(value) for value in values], list(values), {})


def closing_fees(random: np.random.Generator, target: PlantedColumn) -> PlantedColumn:
    """Known only afterwards: about 80 where the customer left, about 5 elsewhere."""
    centres = [80.0 if value else 5.0 for value in target.truth]
    values = random.normal(centres, 2.0).clip(0.1).round(2).tolist()
    return PlantedColumn([str(value) for value in values], list(values), dict.fromkeys(range(len(values)), FLAG))


def constant(rows: int) -> PlantedColumn:
    """The same word everywhere."""
    return _as_written(["crm"] * rows)


def _as_written(values: Sequence[str]) -> PlantedColumn:
    return PlantedColumn(values, list(values), dict(enumerate(values)))


def _numbers(random: np.random.Generator, values: Sequence[float], write: Callable[[float], str]) -> PlantedColumn:
    missing = random.random(len(values)) < 0.03
    truth: list[Value] = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    written = [None if gone else write(value) for value, gone in zip(values, missing, strict=True)]
    return PlantedColumn(written, truth, {row: value for row, value in enumerate(truth) if value is not None})
