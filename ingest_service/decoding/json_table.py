"""Reader of JSON tables.

A table is a list of records, a list of rows, an object of columns, one of them under a key, or JSON Lines.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest_service.decoding.json_text import (
    MAX_KEYS_NAMED,
    RepeatedKeys,
    invalid_json_error,
    load_json,
    load_records,
    quote_key,
    refuse_deep_nesting,
)
from shared.errors import Unprocessable

_INT64 = range(-(2**63), 2**63)
_EXACT_IN_DOUBLE = range(-(2**53), 2**53 + 1)
_NOT_A_TABLE = (
    "The JSON is not a table. Accepted are a list of records [{…}, …], a list of rows [[…], …], columns of equal "
    "length {name: […], …}, one of them under one key with no other list beside it, and one record a line."
)

Record = Mapping[str, Any]
Key = str | tuple[str, ...]
"""The path of a column in a record: its name, or a tuple of nested names, so that {"a": {"b"}} differs from {"a.b"}."""


@dataclass(frozen=True, kw_only=True)
class JsonTable:
    """Columns of JSON values.

    A column of only numbers or only booleans keeps its type; every other column becomes text.
    """

    names: Sequence[str]
    rows: int
    column: Callable[[int], Sequence[Any]]
    """A function that returns the values of the column at a position, one for each row."""
    format: str
    notes: Sequence[str] = ()
    delimiter: str = ""
    is_cut: bool = False
    """True if rows beyond the limit were not read."""

    def count_rows(self) -> int:
        """Return the number of records."""
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows as a single batch."""
        with refuse_deep_nesting():
            arrays = [_to_array(self.column(position)) for position in range(len(self.names))]
        yield pa.record_batch(arrays, names=[f"f{position}" for position in range(len(arrays))])


def read_json(path: Path, *, max_rows: int, key: str | None = None) -> JsonTable:
    """Return the table of a UTF-8 JSON file, which may turn out to be JSON Lines.

    Nested objects become columns with dotted names; lists become JSON text. Of JSON Lines, so many rows are read and
    one more. Of several tables under keys of one object, that under `key` is read, or the largest.

    Raises:
        Unprocessable: the file is not JSON (the error names line and column), or not a table.
    """
    repeated = RepeatedKeys()
    try:
        return _with_notes(_build_table(load_json(path, repeated), key), repeated.notes())
    except json.JSONDecodeError as error:
        records = load_records(path, repeated, max_rows=max_rows)
        if records is None:
            raise invalid_json_error(error.msg, error.lineno, error.colno) from None
        return _with_notes(_from_lines(records, max_rows), repeated.notes())


def read_json_lines(path: Path, *, max_rows: int, key: str | None = None) -> JsonTable:
    """Return the table of a UTF-8 JSON Lines file, which may turn out to be a JSON document.

    Raises:
        Unprocessable: the file is neither (the error names line and column), or not a table.
    """
    repeated = RepeatedKeys()
    records = load_records(path, repeated, max_rows=max_rows)
    if records is None:
        return read_json(path, max_rows=max_rows, key=key)
    return _with_notes(_from_lines(records, max_rows), repeated.notes())


def _with_notes(table: JsonTable, notes: Sequence[str]) -> JsonTable:
    return replace(table, notes=(*table.notes, *notes))


def _from_lines(records: Sequence[Record], max_rows: int) -> JsonTable:
    return replace(_from_records(records, "json_lines"), is_cut=len(records) > max_rows)


def _build_table(value: Any, chosen: str | None = None) -> JsonTable:
    if isinstance(value, list) and all(isinstance(record, dict) for record in value):
        return _from_records(value, "json_records")
    if _is_rows(value):
        return _from_rows(value)
    if isinstance(value, dict) and value:
        if (key := _find_table(value, chosen)) is not None:
            table = _build_table(value[key])
            return replace(table, notes=(_key_note(key, value), *table.notes))
        if all(isinstance(part, list | dict) for part in value.values()):
            return _from_columns(value)
    raise Unprocessable(_NOT_A_TABLE, reason="NOT_A_TABLE")


def _find_table(value: Record, chosen: str | None) -> str | None:
    """Return the key that was chosen, the only one that holds a table, or that of the largest of several tables.

    There is none if another key holds a list that is no table.

    Raises:
        Unprocessable: the chosen key holds no table.
    """
    tables = [key for key, part in value.items() if _is_records(part) or _is_rows(part) or _is_columns(part)]
    if chosen is not None and tables:
        if chosen in tables:
            return chosen
        named = ", ".join(quote_key(key) for key in tables[:MAX_KEYS_NAMED])
        detail = f"The JSON has no table under the key {quote_key(chosen)}; it has {named}."
        raise Unprocessable(detail, reason="UNKNOWN_SHEET")
    lists = [key for key, part in value.items() if isinstance(part, list) and part]
    if not set(lists) <= set(tables):
        return None
    if len(tables) > 1 and all(_is_records(value[key]) for key in tables):
        return max(tables, key=lambda key: len(value[key]) * len(value[key][0]))
    return tables[0] if len(tables) == 1 else None


def _is_records(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(record, dict) for record in part)


def _is_columns(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and all(isinstance(column, list | dict) for column in part.values())
        and len({len(column) for column in part.values()}) == 1
    )


def _key_note(key: str, value: Record) -> str:
    others = [other for other in value if other != key]
    tables = sum(_is_records(value[other]) for other in others) + 1
    note = f"The table was read from the key {quote_key(key)}."
    if tables > 1:
        note = f"Of {tables} tables, the one under the key {quote_key(key)} was read; sheet= names another."
    if not others:
        return note
    named = ", ".join(quote_key(other) for other in others[:MAX_KEYS_NAMED])
    more = f" and {len(others) - MAX_KEYS_NAMED:,} more" if len(others) > MAX_KEYS_NAMED else ""
    return f"{note} Left out: {named}{more}."


def _from_records(records: Sequence[Record], format_name: str) -> JsonTable:
    with refuse_deep_nesting():
        flat_records = [_flatten_record(record) for record in records]
    keys: list[Key] = list(dict.fromkeys(key for record in flat_records for key in record))
    if not keys:
        raise Unprocessable("The JSON holds no records with fields.", reason="NO_ROWS")
    return JsonTable(
        names=[_to_text(key if isinstance(key, str) else ".".join(key)) for key in keys],
        rows=len(flat_records),
        column=lambda position: [record.get(keys[position]) for record in flat_records],
        format=format_name,
    )


def _flatten_record(record: Record) -> Mapping[Key, Any]:
    """Return the record with nested objects flattened; the order of the fields stays."""
    if not any(isinstance(value, dict) for value in record.values()):
        return record  # type: ignore[return-value]  # For reading, a mapping from str is a mapping from Key.
    flat: dict[Key, Any] = {}
    _flatten_into(record, (), flat)
    return flat


def _flatten_into(record: Record, path: tuple[str, ...], flat: dict[Key, Any]) -> None:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            _flatten_into(value, (*path, key), flat)
        else:
            flat[(*path, key) if path else key] = value


def _is_rows(value: Any) -> bool:
    """Return True for a list of rows, each of which is a list of single values."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(row, list) and row for row in value)
        and not any(isinstance(cell, list | dict) for row in value for cell in row)
        and len(value[0]) == max(map(len, value))
    )


def _from_rows(rows: Sequence[Sequence[Any]]) -> JsonTable:
    """Return the table of a list of rows; the first has the names where it differs from the others."""
    first, below = rows[0], rows[1:]
    is_header = all(isinstance(cell, str) and cell.strip() for cell in first) and len(set(first)) == len(first)
    is_header = is_header and not any(
        cell in row[position : position + 1] for row in below for position, cell in enumerate(first)
    )
    names = [_to_text(name) for name in first] if is_header else [""] * len(first)
    values = [
        [row[position] if position < len(row) else None for row in (below if is_header else rows)]
        for position in range(len(first))
    ]
    notes = () if is_header else ("The first row looks like the others, so the columns are named by their places.",)
    return JsonTable(names=names, rows=len(values[0]), column=values.__getitem__, format="json_rows", notes=notes)


def _from_columns(columns: Mapping[str, Any]) -> JsonTable:
    """Return the table of an object of columns.

    A column is a list, or an object from row label to value as pandas writes it.
    """
    lists = {name: list(part.values()) if isinstance(part, dict) else part for name, part in columns.items()}
    labels = {tuple(part) for part in columns.values() if isinstance(part, dict)}
    rows = {len(values) for values in lists.values()}
    if len(rows) != 1 or len(labels) > 1:
        raise Unprocessable("The JSON's columns differ in length or in row labels.", reason="NOT_A_TABLE")
    names, values = [_to_text(name) for name in lists], list(lists.values())
    count = rows.pop()
    notes = []
    if labels and (index := labels.pop()) != tuple(str(number) for number in range(count)):
        names, values = ["index", *names], [list(index), *values]
        notes.append("The rows' labels are the column 'index'.")
    return JsonTable(names=names, rows=count, column=values.__getitem__, format="json_columns", notes=notes)


def _to_array(values: Sequence[Any]) -> pa.Array:
    """Return a column as integers, floats or booleans if all values are, else as text."""
    types = {type(value) for value in values if value is not None}
    if types == {bool}:
        return pa.array(values, pa.bool_())
    if types == {int} and all(value is None or value in _INT64 for value in values):
        return pa.array(values, pa.int64())
    if types in ({float}, {int, float}) and all(
        type(value) is not int or value in _EXACT_IN_DOUBLE for value in values
    ):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else _to_text(value) for value in values], pa.string())


def _to_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
