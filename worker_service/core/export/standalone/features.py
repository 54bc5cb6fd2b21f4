"""Steps that make features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from worker_service.core.columns.cell_parts import split_parts
from worker_service.core.columns.composed_values import part_number, split_composed
from worker_service.core.columns.word_parts import count_parts
from worker_service.core.export.standalone.cells import (
    ROW,
    Cells,
    Table,
    numbers,
    positions,
    replaced,
    ticks,
    with_columns,
)
from worker_service.core.export.standalone.reading import plain_number, read_decimal
from worker_service.core.parsing.text_numbers import parse_numbers
from worker_service.core.stats.fences import Numbers


def number_rows(table: Table, *, name: str) -> Table:
    """Add the number of each row in the table that was given, from 1."""
    return with_columns(table, {name: table[ROW]})


def scale(table: Table, *, column: str, center: float, divisor: float) -> Table:
    """Subtract the center and divide by the divisor."""
    with np.errstate(over="ignore", invalid="ignore"):
        return with_columns(table, {column: _finite((numbers(table[column]) - center) / divisor)})


def power_transform(
    table: Table, *, column: str, name: str, unit: float, power: float, center: float, divisor: float
) -> Table:
    """Add a column with the Yeo-Johnson power of a column."""
    from scipy import stats

    with np.errstate(all="ignore"):
        powers = stats.yeojohnson(numbers(table[column]) / unit, lmbda=power)
        return with_columns(table, {name: _finite((powers - center) / divisor)})


def ratio(table: Table, *, numerator: str, denominator: str, name: str) -> Table:
    """Add a column of one column divided by another."""
    with np.errstate(all="ignore"):
        return with_columns(table, {name: _finite(numbers(table[numerator]) / numbers(table[denominator]))})


def bin(table: Table, *, column: str, edges: Sequence[float], name: str) -> Table:
    """Add a column with the number of the bin between edges in which a value lies."""
    values = numbers(table[column])
    places = pd.Series(np.searchsorted(np.asarray(edges), values, side="right"), index=table.index, dtype="Int8")
    return with_columns(table, {name: places.mask(table[column].isna())})


def cycle(table: Table, *, column: str, period: int, sine: str, cosine: str) -> Table:
    """Add a sine and a cosine that put the end of a cycle beside its beginning, on a circle of radius √2."""
    with np.errstate(invalid="ignore"):
        angles = 2 * np.pi * np.mod(numbers(table[column]), period) / period
        waves = {sine: np.sqrt(2) * np.sin(angles), cosine: np.sqrt(2) * np.cos(angles)}
        return with_columns(table, {name: _finite(wave) for name, wave in waves.items()})


def date_parts(table: Table, *, column: str, parts: Mapping[str, str], fill: str | None = None) -> Table:
    """Replace a column of moments by numbers in UTC; weekdays count from Monday."""
    moments = table[column]
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    if fill is not None:
        moments = moments.fillna(pd.Timestamp(fill).tz_localize(None))
    added = {name: _date_part(moments, part) for part, name in parts.items()}
    return with_columns(table.drop(columns=column), added)


def _date_part(moments: Cells, part: str) -> Cells:
    if part == "days":
        return pd.Series(ticks(moments) / 86_400e6, index=moments.index)
    name, _, wave = part.partition("_")
    values = getattr(moments.dt, "day_of_week" if name == "weekday" else name)
    if not wave:
        return values.astype("Int64")
    periods = {"month": 12, "weekday": 7, "hour": 24}
    angles = 2 * np.pi * (numbers(values) / periods[name])
    return pd.Series(np.sqrt(2) * (np.sin(angles) if wave == "sin" else np.cos(angles)), index=moments.index)


def time_difference(table: Table, *, start: str, end: str, name: str, fill: float | None = None) -> Table:
    """Add a column of the days from one moment to another."""
    days = pd.Series((ticks(table[end]) - ticks(table[start])) / 86_400_000_000.0, index=table.index)
    return with_columns(table, {name: days if fill is None else days.fillna(fill)})


def one_hot(
    table: Table, *, column: str, levels: Mapping[str, str], other: str | None = None, keep: bool = False
) -> Table:
    """Replace a column by one column of 0 and 1 for each level, or add these columns."""
    places = positions(table[column], list(levels))
    added = {name: (places == code).astype(np.int8) for code, name in enumerate(levels.values())}
    if other is not None:
        added[other] = (places == -1).astype(np.int8)
    return with_columns(table if keep else table.drop(columns=column), added)


def multi_hot(table: Table, *, column: str, separator: str, levels: Mapping[str, str], keep: bool = False) -> Table:
    """Replace a column by one column of 0 and 1 for each value that its cells may hold, or add these columns."""
    parts = {text: split_parts(text, separator) for text in table[column].dropna().unique()}
    of_row = [parts.get(text, ()) for text in table[column]]
    added = {name: np.array([level in held for held in of_row], dtype=np.int8) for level, name in levels.items()}
    return with_columns(table if keep else table.drop(columns=column), added)


def frequency_encode(table: Table, *, column: str, shares: Mapping[str, float]) -> Table:
    """Replace each value by its share of the cells; 0 for a value that is not among the levels."""
    encoded = pd.Series(replaced(table[column], shares, 0.0), index=table.index, dtype="float64")
    return with_columns(table, {column: encoded})


def label_encode(table: Table, *, column: str, levels: Sequence[str]) -> Table:
    """Replace each value by its place among the levels, from 0; -1 for a value that is not among them."""
    places = pd.Series(positions(table[column], levels), index=table.index, dtype="Int64")
    return with_columns(table, {column: places.mask(table[column].isna())})


def split_amounts(
    table: Table,
    *,
    column: str,
    amount: str,
    unit: str,
    names: Mapping[str, Sequence[str]],
    number: Mapping[str, Any],
    fill: float | None = None,
) -> Table:
    """Replace a text column of amounts by their numbers and the names of their units.

    Args:
        table: the table.
        column: the column.
        amount: the new column of numbers.
        unit: the new column of units.
        names: for each unit the patterns of its spellings.
        number: the form of the numbers, arguments of `read_decimal`.
        fill: the number that cells without one get.
    """
    form = (number["pattern"], number["thousands"])
    missing = number.get("missing", ())
    units: dict[str, str] = {}
    for text in table[column].dropna().unique():
        if text not in missing and plain_number(text, *form, ()) is None:
            fitting = [name for name, patterns in names.items() if plain_number(text, *form, patterns) is not None]
            units[text] = fitting[-1] if fitting else "none"
    amounts = read_decimal(table[[column]], column=column, **number)[column]
    unit_names = pd.Series([units.get(text, "none") for text in table[column]], index=table.index, dtype=object)
    filled = amounts if fill is None else amounts.fillna(fill)
    return with_columns(table.drop(columns=column), {amount: filled, unit: unit_names})


def text_numbers(
    table: Table,
    *,
    column: str,
    shape: Any,
    names: Sequence[str],
    parts: Sequence[int],
    fills: Sequence[float] | None = None,
) -> Table:
    """Add a column for each number within the texts of a column."""
    fill = list(fills) if fills is not None else [np.nan] * len(names)
    chosen: dict[str, list[float]] = {}
    for text in table[column].dropna().unique():
        values = parse_numbers(text, shape)
        if values is not None and max(parts) < len(values):
            chosen[text] = [values[part] for part in parts]
    rows = np.array([chosen.get(text, fill) for text in table[column]], dtype=np.float64).reshape(-1, len(names))
    return with_columns(table, dict(zip(names, rows.T, strict=True)))


def split_text(
    table: Table,
    *,
    column: str,
    separator: str,
    width: int,
    positions: Sequence[int],
    is_number: Sequence[bool],
    names: Sequence[str],
    fills: Sequence[float],
) -> Table:
    """Add a column for each part of the composed values of a column."""
    split = {text: split_composed(text, separator) for text in table[column].dropna().unique()}
    usual = {text: parts for text, parts in split.items() if len(parts) == width}
    added: dict[str, Any] = {}
    for position, numeric, name, fill in zip(positions, is_number, names, fills, strict=True):
        parts = {text: parts[position] or None for text, parts in usual.items()}
        if numeric:
            read = {text: None if part is None else part_number(part) for text, part in parts.items()}
            values = [read.get(text) for text in table[column]]
            added[name] = np.array([fill if value is None else value for value in values], dtype=np.float64)
        else:
            added[name] = pd.Series([parts.get(text) for text in table[column]], index=table.index, dtype=object)
    return with_columns(table, added)


def text_components(
    table: Table, *, column: str, names: Sequence[str], offsets: Sequence[float], components: Sequence[Sequence[float]]
) -> Table:
    """Add the principal components of the three-letter parts of words in each text; a missing one lies at 0."""
    codes, texts = pd.factorize(table[column].astype(object))
    by_text = np.zeros((len(texts) + 1, len(names)))
    if len(texts):
        by_text[:-1] = count_parts(list(texts)) @ np.asarray(components).T - np.asarray(offsets)
    return with_columns(table, dict(zip(names, by_text[codes].T, strict=True)))


def _finite(values: Numbers) -> Numbers:
    """Return numbers, NaN where they are infinite."""
    return np.where(np.isfinite(values), values, np.nan)
