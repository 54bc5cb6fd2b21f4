"""Datasets and runs for tests, as the services would store them."""

from typing import Any
from uuid import uuid4

from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.runs import Publication
from shared.db.session import Database
from shared.db.usage import Usage


async def accept_dataset(
    database: Database, *, queue: str = "eda_fast", usage: Usage | None = None, **changes: Any
) -> DatasetRecord:
    """Store a small dataset and its queued run."""
    dataset_id = uuid4()
    values: dict[str, Any] = {
        "id": dataset_id,
        "request_id": None,
        "user_id": "ada",
        "collaboration_id": None,
        "filename": "x.csv",
        "database_name": "x",
        "source_url": None,
        "mode": "deep" if queue == "eda_deep" else "fast",
        "rows": 2,
        "columns": 2,
        "size_bytes": 10,
        "sha256": "0" * 64,
        "raw_key": f"datasets/{dataset_id}/raw",
        "table_key": f"datasets/{dataset_id}/table.arrow",
        "parse_plan": {"format": "csv", "encoding": "utf-8", "delimiter": ",", "notes": []},
    }
    options = {"mode": values["mode"], "outlier_method": "iqr", "outlier_strategy": "cap", "target": None}
    new = NewDataset(**{**values, **changes})
    return await Datasets(database).accept(new, NewRun(id=uuid4(), queue=queue, options=options), usage)


def publication(**changes: Any) -> Publication:
    """A small result."""
    log = {"step": 1, "state": "applied", "reason": "Because.", "source": "rule", "confidence": 1.0, "parameters": {}}
    values: dict[str, Any] = {
        "artifacts": f"datasets/x/runs/y/{uuid4()}",
        "summary": {"cleaned": {"rows": 2, "columns": 2}},
        "features": {},
        "cleaning_logs": [{**log, "column_name": "a", "action": "fill_missing", "cells_changed": 1}],
        "outlier_logs": [],
        "feature_logs": [{**log, "action": "scale", "columns": ["a"], "outputs": ["a"]}],
        "graphs": [{"graph_id": "histogram-1", "kind": "histogram", "title": "a", "columns": ["a"]}],
        "report": None,
    }
    return Publication(**{**values, **changes})
