"""Helpers that store datasets and runs for tests, as the services would."""

from typing import Any
from uuid import uuid4

from shared.contracts.run_options import RunOptions
from shared.contracts.run_result import RunResult
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.runs import RunRecord, Runs
from shared.db.session import Database
from shared.db.usage import Usage
from shared.identity.caller import OPEN_CALLER, Caller


async def accept_dataset(
    database: Database,
    *,
    queue: str = "eda_fast",
    usage: Usage | None = None,
    uploader: Caller = OPEN_CALLER,
    **changes: Any,
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
    options = RunOptions(mode=values["mode"])
    new = NewDataset(**{**values, **changes})
    return await Datasets(database).accept(
        new, NewRun(id=uuid4(), queue=queue, options=options), usage, uploader=uploader
    )


def run_result(**changes: Any) -> RunResult:
    """Return a small result."""
    step = {"step": 1, "state": "applied", "why": "Because.", "rule": "rule", "confidence": 1.0, "parameters": {}}
    values: dict[str, Any] = {
        "summary": {"cleaned": {"rows": 2, "columns": 2}},
        "features": {},
        "logs": {
            "cleaning": [{**step, "column": "a", "kind": "fill_missing", "cells_changed": 1}],
            "features": [{**step, "kind": "scale", "columns": ["a"], "outputs": ["a"]}],
        },
        "graphs": [{"graph_id": "histogram-1", "kind": "histogram", "title": "a", "columns": ["a"]}],
        "report": None,
    }
    return RunResult(**{**values, **changes})


async def publish(runs: Runs, run: RunRecord, *, artifacts: str | None = None, **changes: Any) -> bool:
    """Publish a small result for a claimed run."""
    assert run.lease_token is not None
    folder = artifacts or f"datasets/x/runs/y/{uuid4()}"
    return await runs.publish(run.id, run.lease_token, run_result(**changes), artifacts=folder)
