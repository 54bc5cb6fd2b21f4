"""Reading the text of JSON and JSON Lines, with refusals in our own words."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import Unprocessable

_BLANKS = " \t\r\n"


def load_json(path: Path) -> Any:
    """The value of a UTF-8 JSON file.

    Raises:
        json.JSONDecodeError: it is not JSON.
        Unprocessable: it is nested too deeply or has a number nobody can hold.
    """
    return _loads(path.read_text(encoding="utf-8"))


def load_records(path: Path) -> list[Mapping[str, Any]] | None:
    """The records of a UTF-8 JSON Lines file; None where the first line is no record, so that it is something else.

    Raises:
        Unprocessable: a later line is no record; says line and column.
    """
    records: list[Mapping[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip(_BLANKS):
                continue
            record = _line_value(line, number, first=not records)
            if isinstance(record, dict):
                records.append(record)
            elif records:
                raise _not_a_record(number)
            else:
                return None
    return records


def _line_value(line: str, number: int, *, first: bool) -> Any:
    """The JSON value of a line; None where the first line is none."""
    try:
        return _loads(line, number)
    except json.JSONDecodeError as error:
        if first:
            return None
        raise invalid_json(error.msg, number, error.colno) from None


def _loads(text: str, line: int | None = None) -> Any:
    with refusing_depth(line):
        try:
            return json.loads(text, parse_constant=str)
        except json.JSONDecodeError:
            raise
        except ValueError:  # of what json.loads does, only integers of thousands of digits raise it
            place, metadata = _place(line)
            raise Unprocessable(
                f"The JSON can't be read: it has a whole number of thousands of digits{place}.",
                reason="INVALID_JSON",
                metadata=metadata,
            ) from None


@contextmanager
def refusing_depth(line: int | None = None) -> Iterator[None]:
    """Refuse what is nested more deeply than Python's stack."""
    try:
        yield
    except RecursionError:
        place, metadata = _place(line)
        raise Unprocessable(
            f"The JSON is nested too deeply to be a table{place}.", reason="NOT_A_TABLE", metadata=metadata
        ) from None


def _place(line: int | None) -> tuple[str, dict[str, str]]:
    return ("", {}) if line is None else (f" (line {line})", {"line": str(line)})


def _not_a_record(line: int) -> Unprocessable:
    return Unprocessable(
        f"Line {line} is not a record {{…}} like the lines before it.",
        reason="NOT_A_TABLE",
        metadata={"line": str(line)},
    )


def invalid_json(problem: str, line: int, column: int) -> Unprocessable:
    """The error for a text that is not JSON."""
    return Unprocessable(
        f"The file is not valid JSON: {problem} at line {line}, column {column}.",
        reason="INVALID_JSON",
        metadata={"line": str(line), "column": str(column)},
    )
