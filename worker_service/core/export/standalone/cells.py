"""Cells of columns as numbers and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from worker_service.core.stats.fences import Numbers

Table: TypeAlias = pd.DataFrame
Cells: TypeAlias = Any
"""A pandas series."""
GAPS, UNFIT, ROW = "__was_missing__", "__unfit__", "__row__"
NOTES = (GAPS, UNFIT, ROW)
"""Columns whose names begin so are notes for later steps: cells that were filled, unfit texts, row numbers."""


def with_columns(table: Table, columns: Mapping[str, Any]) -> Table:
    """Return a table with columns replaced where they are; new ones come last."""
    after = table.copy(deep=False)
    for name in columns.keys() & set(table.columns):
        after[name] = columns[name]
    added = pd.DataFrame({name: cells for name, cells in columns.items() if name not in table}, index=table.index)
    return pd.concat([after, added], axis=1) if added.shape[1] else after


def is_text(cells: Cells) -> bool:
    """Return True if cells are no numbers, moments, or true and false."""
    return cells.dtype == object or pd.api.types.is_string_dtype(cells)


def is_whole(cells: Cells) -> bool:
    """Return True if cells are whole numbers."""
    return bool(pd.api.types.is_integer_dtype(cells))


def is_number(cells: Cells) -> bool:
    """Return True if cells are numbers, but not true and false."""
    return bool(pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells))


def is_moment(cells: Cells) -> bool:
    """Return True if cells are moments."""
    return bool(pd.api.types.is_datetime64_any_dtype(cells))


def numbers(cells: Cells) -> Numbers:
    """Return cells as floating-point numbers, NaN where there is none."""
    values: Numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def ticks(cells: Cells) -> Numbers:
    """Return moments as microseconds since 1970 in UTC, NaN where there is none."""
    if cells.dt.tz is not None:
        cells = cells.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.where(cells.isna(), np.nan, cells.astype("datetime64[us]").astype("int64").astype(np.float64))


def as_text(cells: Cells) -> Cells:
    """Return cells as text: numbers in their shortest exact form, `true` and `false`, moments in ISO 8601."""
    if is_text(cells):
        return cells.astype(object)
    if pd.api.types.is_float_dtype(cells):
        # By their bits, as 0 and -0 are different texts.
        bits, values = pd.factorize(numbers(cells).view(np.int64))
        codes, values = np.where(cells.isna(), -1, bits), values.view(np.float64)
    else:
        codes, values = pd.factorize(cells)
    texts = [*(cell_text(value) for value in values), None]
    return pd.Series(np.array(texts, dtype=object)[codes], index=cells.index, dtype=object)


def cell_text(value: Any) -> str:
    """Return a value as text, as `as_text` does."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, pd.Timestamp):
        text = value.tz_localize(None).isoformat(
            sep=" ", timespec="seconds" if not value.microsecond else "microseconds"
        )
        if value.tz is not None:
            return f"{text}Z"
        return text.removesuffix(" 00:00:00")
    return number_text(float(value)) if isinstance(value, float | np.floating) else str(value)


def number_text(value: float) -> str:
    """Return a number in its shortest exact form, with an exponent only from 1e15 on and below 1e-6."""
    if not np.isfinite(value):
        return str(value)
    exact = Decimal(repr(value))
    if value == 0 or 1e-6 <= abs(value) < 1e15:
        return f"{exact:f}".removesuffix(".0")
    return f"{exact.normalize():e}"


def positions(cells: Cells, levels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return for each cell the place of its text among some levels, -1 where it is none of them or missing."""
    codes, texts = pd.factorize(as_text(cells))
    indices = {level: index for index, level in reversed(list(enumerate(levels)))}
    return np.array([*(indices.get(text, -1) for text in texts), -1], dtype=np.int64)[codes]


def replaced(cells: Cells, by_text: Mapping[str, Any], otherwise: Any) -> list[Any]:
    """Return for each cell what a mapping has for its text, and something else where it has nothing."""
    codes, texts = pd.factorize(as_text(cells))
    values = [*(by_text.get(text, otherwise) for text in texts), otherwise]
    return [values[code] for code in codes]


def typed(values: Sequence[Any], like: Cells) -> Cells:
    """Return values in the type of other cells; texts as `as_text` writes them are read first."""
    if is_text(like):
        return pd.Series(list(values), index=like.index, dtype=object)
    if pd.api.types.is_bool_dtype(like):
        read = [value if value is None or isinstance(value, bool) else value == "true" for value in values]
        return pd.Series(read, index=like.index, dtype="boolean")
    if is_moment(like):
        return pd.Series(pd.to_datetime(pd.Series(list(values), index=like.index)).astype(like.dtype))
    if is_whole(like):
        return pd.Series([None if value is None else int(value) for value in values], index=like.index, dtype="Int64")
    return pd.Series([np.nan if value is None else float(value) for value in values], index=like.index, dtype="float64")


def with_cells(cells: Cells, changed: npt.NDArray[np.bool_], values: Sequence[Any] | Numbers) -> Cells:
    """Return cells of which some have other values, one for each changed cell; the others stay exact."""
    after = cells.copy()
    if is_whole(cells):
        after = after.astype("Int64")
        after[changed] = pd.array([int(value) for value in values], dtype="Int64")
    elif is_text(cells):
        after = after.astype(object)
        after[changed] = np.array(values, dtype=object)
    elif is_number(cells):
        after[changed] = np.asarray(values, dtype=np.float64)
    else:
        after[changed] = values
    return after


def without_cells(cells: Cells, emptied: npt.NDArray[np.bool_]) -> Cells:
    """Return cells of which some are missing."""
    whole = cells.astype("Int64") if is_whole(cells) else cells
    return whole.mask(emptied)
