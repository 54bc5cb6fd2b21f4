"""Rows of a table as plain values, as JSON and a message can hold them."""

import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa

MAX_PAGE_CHARACTERS = 4 * 1024 * 1024
"""Most text on a page: a page of long cells ends early, because it has to fit into a message."""
MAX_CELL_CHARACTERS = 64 * 1024
"""Most text of a cell on a page; the file has all of it."""
_LARGEST_EXACT_INTEGER = 2**53

RowValue = None | bool | int | float | str


def plain_column(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without a dictionary."""
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def row_values(page: pa.Table) -> tuple[tuple[RowValue, ...], ...]:
    """Return the rows of a page as plain values, as many as fit into a message and at least one."""
    return tuple(_rows_within(page))


def _rows_within(page: pa.Table) -> Iterator[tuple[RowValue, ...]]:
    columns = [[_to_value(value) for value in _to_list(plain_column(column))] for column in page.columns]
    characters = 0
    for number, row in enumerate(zip(*columns, strict=True)):
        characters += sum(len(value) for value in row if isinstance(value, str))
        if number and characters > MAX_PAGE_CHARACTERS // 2:
            return
        yield row


def _to_list(column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):  # a moment outside of the years that a calendar knows
        return list(column.cast(pa.string()).to_pylist())


def _to_value(value: Any) -> RowValue:
    """Return a value as JSON can hold it: moments in ISO 8601, whole numbers that lose digits there as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        return cut_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_EXACT_INTEGER else str(value)
    return float(value) if math.isfinite(value) else None


def cut_text(text: str) -> str:
    """Return a text, cut if it is very long, with its length."""
    if len(text) <= MAX_CELL_CHARACTERS:
        return text
    return f"{text[:MAX_CELL_CHARACTERS]}… ({len(text):,} characters)"
