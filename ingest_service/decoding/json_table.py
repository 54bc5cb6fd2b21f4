"""Reading JSON as a table: a list of records, columns of values, either under one key, or one record a line."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest_service.decoding.json_text import invalid_json, load_json, load_records, refusing_depth
from shared.errors import Unprocessable

_INT64 = range(-(2**63), 2**63)
_EXACT_IN_DOUBLE = range(-(2**53), 2**53 + 1)
_MAX_KEYS_NAMED = 5
_MAX_KEY_CHARACTERS = 80
_NOT_A_TABLE = (
    "The JSON is not a table. Accepted are a list of records [{…}, …], columns of equal length {name: […], …}, "
    "either of them under one key with no other list beside it, and one record a line."
)

Record = Mapping[str, Any]
Key = str | tuple[str, ...]
"""A column's place in a record: its name, or the names on the way to it, which tells {"a": {"b"}} from {"a.b"}."""


@dataclass(frozen=True, kw_only=True)
class JsonTable:
    """Columns of JSON values. A column of only numbers or only booleans stays that; every other one becomes text."""

    names: Sequence[str]
    rows: int
    column: Callable[[int], Sequence[Any]]
    """The values of the column at a position, one a row."""
    format: str
    notes: Sequence[str] = ()
    delimiter: str = ""

    def count_rows(self) -> int:
        """How many records there are."""
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in one batch."""
        with refusing_depth():
            arrays = [_array(self.column(position)) for position in range(len(self.names))]
        yield pa.record_batch(arrays, names=[f"f{position}" for position in range(len(arrays))])


def read_json(path: Path) -> JsonTable:
    """The table of a UTF-8 JSON file, which may turn out to be JSON Lines.

    Nested objects become dotted columns, lists stay as JSON text.

    Raises:
        Unprocessable: not JSON (says line and column), or not a table.
    """
    try:
        return _table(load_json(path))
    except json.JSONDecodeError as error:
        records = load_records(path)
        if records is None:
            raise invalid_json(error.msg, error.lineno, error.colno) from None
        return _from_records(records, "json_lines")


def read_json_lines(path: Path) -> JsonTable:
    """The table of a UTF-8 JSON Lines file; one that begins otherwise is read as JSON.

    Raises:
        Unprocessable: as `read_json`.
    """
    records = load_records(path)
    return read_json(path) if records is None else _from_records(records, "json_lines")


def _table(value: Any) -> JsonTable:
    if isinstance(value, list) and all(isinstance(record, dict) for record in value):
        return _from_records(value, "json_records")
    if isinstance(value, dict) and value:
        if (key := _only_table(value)) is not None:
            table = _table(value[key])
            return replace(table, notes=(_key_note(key, [other for other in value if other != key]), *table.notes))
        if all(isinstance(part, list | dict) for part in value.values()):
            return _from_columns(value)
    raise Unprocessable(_NOT_A_TABLE, reason="NOT_A_TABLE")


def _only_table(value: Record) -> str | None:
    """The one key that holds a table; None where another holds a table or a list too, or none does."""
    tables = [key for key, part in value.items() if _holds_records(part) or _holds_columns(part)]
    lists = [key for key, part in value.items() if isinstance(part, list) and part]
    return tables[0] if len(tables) == 1 and set(lists) <= set(tables) else None


def _holds_records(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(record, dict) for record in part)


def _holds_columns(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and all(isinstance(column, list | dict) for column in part.values())
        and len({len(column) for column in part.values()}) == 1
    )


def _key_note(key: str, others: Sequence[str]) -> str:
    note = f"The table was read from the key {_quoted(key)}."
    if not others:
        return note
    named = ", ".join(_quoted(other) for other in others[:_MAX_KEYS_NAMED])
    more = f" and {len(others) - _MAX_KEYS_NAMED:,} more" if len(others) > _MAX_KEYS_NAMED else ""
    return f"{note} Left out: {named}{more}."


def _quoted(key: str) -> str:
    return repr(key if len(key) <= _MAX_KEY_CHARACTERS else key[:_MAX_KEY_CHARACTERS] + "…")


def _from_records(records: Sequence[Record], form: str) -> JsonTable:
    with refusing_depth():
        flat = [_flat(record) for record in records]
    keys: list[Key] = list(dict.fromkeys(key for record in flat for key in record))
    if not keys:
        raise Unprocessable("The JSON holds no records with fields.", reason="NO_ROWS")
    return JsonTable(
        names=[_text(key if isinstance(key, str) else ".".join(key)) for key in keys],
        rows=len(flat),
        column=lambda position: [record.get(keys[position]) for record in flat],
        format=form,
    )


def _flat(record: Record) -> Mapping[Key, Any]:
    """The record without objects in it; columns keep their order."""
    if not any(isinstance(value, dict) for value in record.values()):
        return record  # type: ignore[return-value]  # a mapping from str is one from Key, but for reading only
    flat: dict[Key, Any] = {}
    _gather(record, (), flat)
    return flat


def _gather(record: Record, path: tuple[str, ...], flat: dict[Key, Any]) -> None:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            _gather(value, (*path, key), flat)
        else:
            flat[(*path, key) if path else key] = value


def _from_columns(columns: Mapping[str, Any]) -> JsonTable:
    """Columns as lists, or as pandas writes them: objects from row label to value."""
    lists = {name: list(part.values()) if isinstance(part, dict) else part for name, part in columns.items()}
    labels = {tuple(part) for part in columns.values() if isinstance(part, dict)}
    rows = {len(values) for values in lists.values()}
    if len(rows) != 1 or len(labels) > 1:
        raise Unprocessable("The JSON's columns differ in length or in row labels.", reason="NOT_A_TABLE")
    names, values = [_text(name) for name in lists], list(lists.values())
    count = rows.pop()
    notes = []
    if labels and (index := labels.pop()) != tuple(str(number) for number in range(count)):
        names, values = ["index", *names], [list(index), *values]
        notes.append("The rows' labels are the column 'index'.")
    return JsonTable(names=names, rows=count, column=values.__getitem__, format="json_columns", notes=notes)


def _array(values: Sequence[Any]) -> pa.Array:
    """One column: a number or boolean column where every value is one, else text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(value is None or value in _INT64 for value in values):
        return pa.array(values, pa.int64())
    if kinds in ({float}, {int, float}) and all(
        type(value) is not int or value in _EXACT_IN_DOUBLE for value in values
    ):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
