"""Reading JSON as a table: a list of records, columns of values, either under one key, or one record a line."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest_service.decoding.csv_table import Parsed
from shared.errors import Unprocessable

_INT64 = range(-(2**63), 2**63)
_EXACT_IN_DOUBLE = range(-(2**53), 2**53 + 1)
_NOT_A_TABLE = (
    "The JSON is not a table. Accepted are a list of records [{…}, …], columns of equal length {name: […], …}, "
    "either of them as the only list or object under one key, and one record a line."
)


def read_json(path: Path) -> Parsed:
    """The table of a UTF-8 JSON or JSON Lines file. Nested objects become dotted columns, lists stay as JSON text.

    Raises:
        Unprocessable: not JSON (says line and column), or not a table.
    """
    text = path.read_text(encoding="utf-8")
    try:
        return _table(json.loads(text, parse_constant=str))
    except RecursionError:
        raise Unprocessable("The JSON is nested too deeply to be a table.", reason="NOT_A_TABLE") from None
    except json.JSONDecodeError as error:
        lines = _json_lines(text)
        if lines is None:
            raise _invalid(error.msg, error.lineno, error.colno) from None
        return _parsed(_from_records(lines), "json_lines")
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise Unprocessable(f"The JSON can't be read: {error}.", reason="INVALID_JSON") from None


def _json_lines(text: str) -> list[Mapping[str, Any]] | None:
    """The records of JSON Lines; None where the first line is no record, so that the text is something else."""
    records: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=str)
        except json.JSONDecodeError as error:
            if not records:
                return None
            raise _invalid(error.msg, number, error.colno) from None
        if not isinstance(record, Mapping):
            return None
        records.append(record)
    return records


def _invalid(problem: str, line: int, column: int) -> Unprocessable:
    return Unprocessable(
        f"The file is not valid JSON: {problem} at line {line}, column {column}.",
        reason="INVALID_JSON",
        metadata={"line": str(line), "column": str(column)},
    )


def _table(value: Any) -> Parsed:
    if isinstance(value, list) and all(isinstance(record, Mapping) for record in value):
        return _parsed(_from_records(value), "json_records")
    if isinstance(value, Mapping) and value:
        nested = [part for part in value.values() if isinstance(part, list | Mapping)]
        if len(nested) == 1 and (_holds_records(nested[0]) or _holds_columns(nested[0])):
            return _table(nested[0])
        if len(nested) == len(value):
            return _parsed(_from_columns(value), "json_columns")
    raise Unprocessable(_NOT_A_TABLE, reason="NOT_A_TABLE")


def _parsed(table: pa.Table, form: str) -> Parsed:
    return Parsed(names=table.column_names, batches=iter(table.to_batches()), format=form)


def _holds_records(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(record, Mapping) for record in part)


def _holds_columns(part: Any) -> bool:
    return isinstance(part, Mapping) and bool(part) and all(isinstance(one, list | Mapping) for one in part.values())


def _from_records(records: Iterable[Mapping[str, Any]]) -> pa.Table:
    columns: dict[str, list[Any]] = {}
    count = 0
    for count, record in enumerate(records, start=1):
        for name, value in _flatten(record):
            values = columns.setdefault(_text(name), [])
            values.extend([None] * (count - 1 - len(values)))
            values.append(value)
    if not columns:
        raise Unprocessable("The JSON holds no records with fields.", reason="NO_ROWS")
    return pa.table({name: _array(values + [None] * (count - len(values))) for name, values in columns.items()})


def _flatten(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _from_columns(columns: Mapping[str, Any]) -> pa.Table:
    """Columns as lists, or as pandas writes them: objects from row label to value."""
    lists = {name: list(part.values()) if isinstance(part, Mapping) else part for name, part in columns.items()}
    lengths = {len(values) for values in lists.values()}
    labels = {tuple(part) for part in columns.values() if isinstance(part, Mapping)}
    if len(lengths) != 1 or len(labels) > 1:
        raise Unprocessable("The JSON's columns differ in length.", reason="NOT_A_TABLE")
    return pa.table({_text(name): _array(values) for name, values in lists.items()})


def _array(values: list[Any]) -> pa.Array:
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
