"""Parser of JSON and JSON Lines that raises the errors of this service."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import Unprocessable

_WHITESPACE = " \t\r\n"
MAX_KEYS_NAMED = 5
_MAX_KEY_CHARACTERS = 80


def quote_key(key: str) -> str:
    """Return a key as a note names it."""
    return repr(key if len(key) <= _MAX_KEY_CHARACTERS else key[:_MAX_KEY_CHARACTERS] + "…")


class RepeatedKeys:
    """The keys that stand twice in one object; the last of its values counts, as everywhere."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def build(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return the object of these pairs."""
        record = dict(pairs)
        if len(record) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            self.names |= dict.fromkeys(name for name, count in counts.items() if count > 1)
        return record

    def notes(self) -> tuple[str, ...]:
        """Return a note about them, if there are any."""
        listed = ", ".join(quote_key(name) for name in list(self.names)[:MAX_KEYS_NAMED])
        return (f"Some records have a key twice, of which the last counts: {listed}.",) if self.names else ()


def load_json(path: Path, repeated: RepeatedKeys) -> Any:
    """Return the value of a UTF-8 JSON file, and remember repeated keys.

    Raises:
        json.JSONDecodeError: the file is not JSON.
        Unprocessable: the value is nested too deeply, or has an integer with too many digits.
    """
    return _loads(path.read_text(encoding="utf-8"), repeated)


def load_records(path: Path, repeated: RepeatedKeys, *, max_rows: int) -> list[Mapping[str, Any]] | None:
    """Return the records of a UTF-8 JSON Lines file, at most one beyond `max_rows`; None if the first line is none.

    Raises:
        Unprocessable: a later line is not a record; the error names line and column.
    """
    records: list[Mapping[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip(_WHITESPACE):
                continue
            record = _load_line(line, number, repeated, first=not records)
            if isinstance(record, dict):
                records.append(record)
                if len(records) > max_rows:
                    break
            elif records:
                raise _not_a_record_error(number)
            else:
                return None
    return records


def _load_line(line: str, number: int, repeated: RepeatedKeys, *, first: bool) -> Any:
    """Return the JSON value of a line; None if the first line is not JSON."""
    try:
        return _loads(line, repeated, number)
    except json.JSONDecodeError as error:
        if first:
            return None
        raise invalid_json_error(error.msg, number, error.colno) from None


def _loads(text: str, repeated: RepeatedKeys, line: int | None = None) -> Any:
    with refuse_deep_nesting(line):
        try:
            return json.loads(text, parse_constant=str, object_pairs_hook=repeated.build)
        except json.JSONDecodeError:
            raise
        except ValueError:
            # json.loads raises this only for integers of thousands of digits.
            location, metadata = _describe_line(line)
            raise Unprocessable(
                f"The JSON can't be read: it has a whole number of thousands of digits{location}.",
                reason="INVALID_JSON",
                metadata=metadata,
            ) from None


@contextmanager
def refuse_deep_nesting(line: int | None = None) -> Iterator[None]:
    """Raise an error for JSON that is nested too deeply, instead of RecursionError.

    Raises:
        Unprocessable: the recursion limit of Python was reached.
    """
    try:
        yield
    except RecursionError:
        location, metadata = _describe_line(line)
        raise Unprocessable(
            f"The JSON is nested too deeply to be a table{location}.", reason="NOT_A_TABLE", metadata=metadata
        ) from None


def _describe_line(line: int | None) -> tuple[str, dict[str, str]]:
    return ("", {}) if line is None else (f" (line {line})", {"line": str(line)})


def _not_a_record_error(line: int) -> Unprocessable:
    return Unprocessable(
        f"Line {line} is not a record {{…}} like the lines before it.",
        reason="NOT_A_TABLE",
        metadata={"line": str(line)},
    )


def invalid_json_error(problem: str, line: int, column: int) -> Unprocessable:
    """Return the error for text that is not JSON."""
    return Unprocessable(
        f"The file is not valid JSON: {problem} at line {line}, column {column}.",
        reason="INVALID_JSON",
        metadata={"line": str(line), "column": str(column)},
    )
