"""What the steps of a run tell, as rows of the log tables."""

import math
from collections.abc import Iterable
from typing import Any

from worker_service.core.recipe.apply import StepResult


def log_rows(results: Iterable[StepResult]) -> dict[str, list[dict[str, Any]]]:
    """The rows for `cleaning_logs`, `outlier_logs` and `feature_logs`, each with the column names of its table."""
    rows: dict[str, list[dict[str, Any]]] = {"cleaning_logs": [], "outlier_logs": [], "feature_logs": []}
    for result in results:
        match result.phase:
            case "cleaning":
                rows["cleaning_logs"].append(_cleaning_row(result))
            case "outliers":
                rows["outlier_logs"].append(_outlier_row(result))
            case "features":
                rows["feature_logs"].append(_feature_row(result))
    return rows


def _shared_fields(result: StepResult) -> dict[str, Any]:
    return {"step": result.number, "state": result.state, "reason": result.reason}


def _proposal_fields(result: StepResult) -> dict[str, Any]:
    return {
        "action": result.kind,
        "source": result.source,
        "confidence": result.confidence,
        "parameters": result.parameters,
    }


def _cleaning_row(result: StepResult) -> dict[str, Any]:
    return {
        **_shared_fields(result),
        **_proposal_fields(result),
        "column_name": result.columns[0] if result.columns else None,
        "cells_changed": result.cells_changed,
    }


def _outlier_row(result: StepResult) -> dict[str, Any]:
    return {
        **_shared_fields(result),
        "column_name": result.columns[0],
        "method": result.parameters["method"],
        "strategy": result.parameters["strategy"],
        "lower_fence": result.parameters.get("lower"),
        "upper_fence": result.parameters.get("upper"),
        "outliers": result.outliers,
        "outlier_percent": result.outlier_percent,
        "cells_changed": result.cells_changed,
        "rows_removed": result.rows_removed,
    }


def _feature_row(result: StepResult) -> dict[str, Any]:
    return {
        **_shared_fields(result),
        **_proposal_fields(result),
        "columns": list(result.columns),
        "outputs": list(result.outputs),
    }


def storable(value: Any) -> Any:
    """The value as PostgreSQL can keep it: text without zero bytes, numbers finite or null."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd")
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {storable(key): storable(part) for key, part in value.items()}
        case list() | tuple():
            return [storable(part) for part in value]
    return value
