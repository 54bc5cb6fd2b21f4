"""Cells of a sheet as values and as text."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa


def is_filled(cell: Any) -> bool:
    """Return True if a cell holds anything."""
    return cell not in ("", None)


def cell_value(cell: Any) -> Any:
    """Return a cell as a JSON value; dates, times and durations as text."""
    if not is_filled(cell):
        return None
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return cell


def cell_text(cell: Any) -> str:
    """Return a cell as text, whole numbers without a decimal point; empty if it holds nothing."""
    value = cell_value(cell)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def text_column(cells: Sequence[Any]) -> pa.Array:
    """Return the cells of a column as text, null where they are empty."""
    try:
        return pa.array([None if cell == "" else cell for cell in cells]).cast(pa.string())
    except (ValueError, TypeError, OverflowError, NotImplementedError):  # Arrow's own errors are kinds of these
        # Cells of several types are written one by one.
        return pa.array([cell_text(cell) or None for cell in cells], pa.string())


def restore_integers(values: list[Any]) -> list[Any]:
    """Return the values of a column with whole numbers as integers.

    A workbook stores every number as a float.
    """
    numbers = [value for value in values if isinstance(value, float)]
    has_other_types = any(isinstance(value, str | bool) for value in values)
    if numbers and (has_other_types or all(number.is_integer() for number in numbers)):
        return [
            int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
            for value in values
        ]
    return values
