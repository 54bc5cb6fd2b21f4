"""A worker killed in the middle of a run: another one completes the run, with one result."""

import time
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.bench.tables import mixed_table, write_csv
from tests.e2e.user import User


@pytest.mark.timeout(180)
def test_kill_9_ends_in_exactly_one_result_within_45_seconds(user: User, stack: Stack, tmp_path: Path) -> None:
    table = write_csv(mixed_table(60_000, 30), tmp_path / "large.csv")
    dataset_id = user.upload(table.read_bytes(), "large.csv").json()["dataset_id"]
    while user.get(f"/dataset/{dataset_id}/status")["stage"] in {"queued", "loading"}:
        time.sleep(0.02)
    stack.kill("worker-fast")
    killed_at = time.monotonic()
    status = user.wait(dataset_id, timeout_seconds=60)
    recovery_seconds = time.monotonic() - killed_at
    print(f"completed {recovery_seconds:.1f} s after the worker was killed")
    assert status["status"] == "completed"
    assert recovery_seconds < 45
    runs = stack.settings.storage_dir / "datasets" / dataset_id / "runs"
    published_runs = [path.parent for path in runs.rglob("cleaned.parquet")]
    assert len(published_runs) == 1
    graphs = user.get(f"/dataset/{dataset_id}/eda/graphs")["graphs"]
    assert len(graphs) == len({graph["graph_id"] for graph in graphs})
