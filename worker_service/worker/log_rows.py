"""Conversion of step results to rows of the log tables."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from shared.contracts.run_result import StepResult
from shared.contracts.vocabulary import Phase


def log_rows(results: Iterable[StepResult]) -> dict[Phase, list[dict[str, Any]]]:
    """Return the rows of each phase's log, with the fields of the result and the parameters of the step."""
    rows: dict[Phase, list[dict[str, Any]]] = {phase: [] for phase in get_args(Phase)}
    for result in results:
        rows[result.phase].append({**result.parameters, **vars(result), "column": result.column})
    return rows


def storable(value: Any) -> Any:
    """Return a JSON value that PostgreSQL can store: text without null characters, numbers finite or null."""
    text = json.dumps(value)
    if "\\u0000" in text:
        text = json.dumps(_without_null_characters(value))
    return json.loads(text, parse_constant=lambda constant: None)


def _without_null_characters(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "\ufffd")
        case Mapping():
            return {_without_null_characters(key): _without_null_characters(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_null_characters(item) for item in value]
    return value
