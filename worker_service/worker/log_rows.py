"""What became of the steps, in a form that the log tables can keep."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from shared.contracts.run_result import StepResult
from shared.contracts.vocabulary import Phase


def log_rows(results: Iterable[StepResult]) -> dict[Phase, list[dict[str, Any]]]:
    """Return the rows of each log: every field of a step and its parameters by their names."""
    rows: dict[Phase, list[dict[str, Any]]] = {phase: [] for phase in get_args(Phase)}
    for result in results:
        rows[result.phase].append({**result.parameters, **vars(result), "column": result.column})
    return rows


def storable(value: Any) -> Any:
    """Return the value as PostgreSQL can keep it: text without zero bytes, numbers finite or null."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd")
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {storable(key): storable(part) for key, part in value.items()}
        case list() | tuple():
            return [storable(part) for part in value]
    return value
