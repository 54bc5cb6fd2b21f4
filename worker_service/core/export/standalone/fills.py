"""Steps that fill missing cells; those that held something unfit are filled in the engineered table alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from worker_service.core.export.standalone.cells import (
    GAPS,
    UNFIT,
    Cells,
    Table,
    is_moment,
    is_whole,
    numbers,
    positions,
    replaced,
    ticks,
    typed,
    with_cells,
    with_columns,
)
from worker_service.core.imputation.prediction import LARGEST, predict_by_nearest_rows, predict_by_trees
from worker_service.core.stats.fences import Numbers


def fill_missing(
    table: Table, *, column: str, method: str = "constant", value: Any = None, phase: str = "cleaning"
) -> Table:
    """Fill the missing cells of a column with a value; with the method `forward_fill`, with the value before each."""
    cells = table[column]
    before = cells.ffill() if method == "forward_fill" else cells
    gaps = before.isna().to_numpy()
    return _with_filled(table, column, with_cells(before, gaps, _values(value, before[gaps])), phase)


def fill_by_group(
    table: Table,
    *,
    column: str,
    by: str,
    medians: Mapping[str, float],
    fallback: float,
    low: float,
    high: float,
    decimals: int | None = None,
    phase: str = "cleaning",
) -> Table:
    """Fill the missing cells of a column with the median of the rows that have the same value in another column."""
    gaps = table[column].isna().to_numpy()
    predicted = np.array(replaced(table[by][gaps], medians, fallback), dtype=np.float64)
    filled = _with_numbers(table[column], gaps, predicted, (low, high, decimals))
    return _with_filled(table, column, filled, phase)


def fill_by_level(
    table: Table,
    *,
    column: str,
    by: str,
    levels: Mapping[str, str],
    fallback: str | None = None,
    phase: str = "cleaning",
) -> Table:
    """Fill the missing cells of a column with what rows with the same value in another column say."""
    cells = table[column]
    gaps = cells.isna().to_numpy()
    predicted_levels = typed(replaced(table[by][gaps], levels, fallback), cells[gaps])
    return _with_filled(table, column, with_cells(cells, gaps, predicted_levels.to_numpy()), phase)


def fill_by_time(
    table: Table,
    *,
    column: str,
    by: str,
    fallback: float,
    low: float,
    high: float,
    decimals: int | None = None,
    phase: str = "cleaning",
) -> Table:
    """Fill the missing cells of a column on the straight line between the values before and after in time."""
    moments, values = ticks(table[by]), numbers(table[column])
    gaps = table[column].isna().to_numpy()
    predicted = np.full(len(table), fallback, dtype=np.float64)
    order = np.argsort(moments, kind="stable")
    order = order[np.isfinite(moments[order])]
    known = np.isfinite(values[order])
    if known.any():
        rows = np.flatnonzero(gaps[order])
        predicted[order[rows]] = np.interp(moments[order][rows], moments[order][known], values[order][known])
    filled = _with_numbers(table[column], gaps, predicted[gaps], (low, high, decimals))
    return _with_filled(table, column, filled, phase)


def fill_by_model(
    table: Table,
    *,
    column: str,
    predictors: Mapping[str, Sequence[str] | None],
    fitted: Mapping[str, Any],
    levels: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
    decimals: int | None = None,
    phase: str = "cleaning",
) -> Table:
    """Fill the missing cells of a column with the predictions of a model.

    Args:
        table: the table.
        column: the column.
        predictors: the columns to go by; for one of text its levels from the most frequent on.
        fitted: the model.
        levels: the texts that a model predicts by their places; none for one that predicts numbers.
        low: the least number that a cell gets.
        high: the greatest number.
        decimals: predicted numbers are rounded to so many.
        phase: `cleaning` fills in both tables, `features` in the engineered one alone.
    """
    cells = table[column]
    gaps = cells.isna().to_numpy()
    if not gaps.any():
        return _with_filled(table, column, cells, phase)
    matrix = np.stack([_as_feature(table[name][gaps], ranks) for name, ranks in predictors.items()], axis=1)
    parts = {name: _array(part) if isinstance(part, dict) else part for name, part in fitted.items() if name != "kind"}
    predict: Any = predict_by_nearest_rows if fitted["kind"] == "nearest_rows" else predict_by_trees
    predicted = predict(matrix, **parts)
    if levels:
        predicted_levels = typed([levels[int(code)] for code in predicted], cells[gaps])
        return _with_filled(table, column, with_cells(cells, gaps, predicted_levels.to_numpy()), phase)
    return _with_filled(table, column, _with_numbers(cells, gaps, predicted, (low, high, decimals)), phase)


def was_missing(table: Table, *, column: str, name: str) -> Table:
    """Add a column that is 1 where a value was missing before it was filled, else 0."""
    missing = table[column].isna().to_numpy()
    if GAPS + column in table:
        missing = missing | table[GAPS + column].to_numpy(dtype=bool)
    return with_columns(table, {name: missing.astype(np.int8)})


def _with_filled(table: Table, column: str, filled: Cells, phase: str) -> Table:
    """Return the table with a column filled, and a note of the cells that were."""
    gaps = table[column].isna().to_numpy()
    if phase == "cleaning" and UNFIT + column in table:
        spared = table[UNFIT + column].notna().to_numpy()
        filled = with_cells(table[column], gaps & ~spared, filled[gaps & ~spared].to_numpy())
    noted = gaps & filled.notna().to_numpy()
    if GAPS + column in table:
        noted = noted | table[GAPS + column].to_numpy(dtype=bool)
    return with_columns(table, {column: filled, GAPS + column: noted})


def _values(value: Any, cells: Cells) -> npt.NDArray[Any]:
    """Return a value for each cell, in their type."""
    if is_moment(cells):
        return np.asarray(pd.Series([pd.Timestamp(value)] * len(cells), dtype=cells.dtype))
    return np.array([value] * len(cells), dtype=object)


def _with_numbers(
    cells: Cells, gaps: npt.NDArray[np.bool_], predicted: Numbers, form: tuple[float | None, float | None, int | None]
) -> Cells:
    """Fill missing cells with predicted numbers, rounded like the others and clipped to their range."""
    low, high, decimals = form
    rounded = predicted if decimals is None else np.round(predicted, decimals)
    if is_whole(cells):
        rounded = np.rint(rounded)
    return with_cells(cells, gaps, np.clip(rounded, low, high))


def _as_feature(cells: Cells, ranks: Sequence[str] | None) -> Numbers:
    """Return a number for each cell: the place of its text among the ranks, days, or the number itself."""
    if ranks is not None:
        places = positions(cells, ranks)
        return np.where(cells.isna(), np.nan, np.where(places < 0, len(ranks), places))
    if is_moment(cells):
        return ticks(cells) / 86_400e6
    return np.clip(numbers(cells), -LARGEST, LARGEST)


def _array(part: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Return an array of a model, whose numbers are little-endian in base64."""
    return np.frombuffer(base64.b64decode(part["data"]), dtype=part["type"]).reshape(part["shape"])
