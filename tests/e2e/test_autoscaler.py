"""Workers are started for a long queue, stopped when it is short, and never left behind."""

import contextlib
import io
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.programs import AUTOSCALED_PROGRAMS, Program
from deploy.local.stack import Stack, StackPlan
from neuralearn import Client
from neuralearn.cli.load_test import small_table
from tests.bench.tables import mixed_table, write_csv

OPTIONS = [
    "--scale-up",
    "3",
    "--scale-down",
    "1",
    "--interval",
    "0.2",
    "--cooldown",
    "1",
    "--max",
    "2",
    "--deep-max",
    "1",
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, clean_environment: None) -> Iterator[Stack]:
    autoscaler = Program("autoscaler", ("-m", "neuralearn", "autoscale", *OPTIONS))
    programs = [autoscaler if program.name == "autoscaler" else program for program in AUTOSCALED_PROGRAMS]
    folder, overrides = tmp_path_factory.mktemp("autoscaled"), {"METRICS_PORT": "0"}
    with Stack(folder, ports="free", plan=StackPlan(programs=programs), env_overrides=overrides) as stack:
        yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.gateway_url) as client:
        yield client


def wait_until(condition: Callable[[], bool], *, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def upload(client: Client, number: int, **options: Any) -> str:
    return client.upload(io.BytesIO(small_table(number)), filename=f"{number}.csv", **options)


def count(client: Client, queue: str) -> int:
    return sum(worker.queue == queue for worker in client.workers())


def worker_processes(stack: Stack) -> set[int]:
    """Return the process ids of the workers of this stack, wherever they hang in the tree of processes."""
    storage = f"STORAGE_DIR={stack.settings.storage_dir}".encode()
    process_ids = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_ours = storage in (folder / "environ").read_bytes().split(b"\0")
            if is_ours and b"--queue" in (folder / "cmdline").read_bytes().split(b"\0"):
                process_ids.add(int(folder.name))
    return process_ids


@pytest.mark.timeout(180)
def test_workers_follow_the_queue(client: Client, stack: Stack, tmp_path: Path) -> None:
    wait_until(lambda: count(client, "eda_fast") == 1)
    assert all(worker.metrics_port for worker in client.workers())
    table = write_csv(mixed_table(20_000, 30), tmp_path / "large.csv")
    ids = [client.upload(table) for _ in range(16)]

    def are_two() -> bool:
        # On a busy machine a worker may be as fast as the uploads.
        if len(ids) < 40:
            ids.append(client.upload(table))
        # A worker that was just started gives no sign of life yet, and may be stopped before it does.
        return len(worker_processes(stack)) == 2

    wait_until(are_two)
    for dataset_id in ids:
        assert client.wait(dataset_id, timeout=90).status == "completed"
    wait_until(lambda: len(worker_processes(stack)) == 1)
    assert count(client, "eda_deep") == 0


METRICS = {
    "gateway": ("http_server_request_duration_seconds_count", "rpc_client_call_duration_seconds_count"),
    "ingest": ("rpc_server_call_duration_seconds_count", "neuralearn_upload_bytes_total"),
    "pipeline": ("neuralearn_queue_backlog", "neuralearn_workers", "neuralearn_webhook_backlog"),
    "report": ("rpc_server_call_duration_seconds_bucket",),
    "autoscaler": ("neuralearn_runs_total", "neuralearn_run_stage_seconds_count", "neuralearn_run_attempts_total"),
}
"""Metrics of each process; of the autoscaler, those of one of its workers."""


def test_every_process_serves_metrics(client: Client, stack: Stack) -> None:
    dataset_id = client.wait(upload(client, 3), timeout=90).dataset_id
    client.document(dataset_id, "profile")
    for name, metrics in METRICS.items():
        log = (stack.data_dir / "logs" / f"{name}.log").read_text("utf-8")
        addresses = re.findall(r'"address": "([^"]+)", "event": "serving metrics"', log)
        assert addresses, name
        wait_until(partial(some_has_metrics, addresses, metrics))


def some_has_metrics(addresses: list[str], names: tuple[str, ...]) -> bool:
    for address in addresses:
        # Workers that were stopped serve nothing any more.
        with contextlib.suppress(httpx.ConnectError):
            served = httpx.get(f"http://{address}/metrics", trust_env=False).text
            if all(f"\n{name}{{" in served or f"\n{name} " in served for name in names):
                return True
    return False


@pytest.mark.timeout(180)
def test_a_queue_without_workers_wakes_and_sleeps_again(client: Client) -> None:
    dataset = client.wait(upload(client, 1, mode="deep"), timeout=90)
    assert dataset.status == "completed"
    wait_until(lambda: count(client, "eda_deep") == 0)


@pytest.mark.timeout(180)
def test_a_killed_autoscaler_leaves_no_worker_behind(client: Client, stack: Stack) -> None:
    wait_until(lambda: count(client, "eda_fast") >= 1)
    before = worker_processes(stack)
    assert before
    os.kill(stack.process("autoscaler").pid, signal.SIGKILL)
    wait_until(lambda: not before & worker_processes(stack))
    # The supervisor starts it again, and it its workers.
    assert client.wait(upload(client, 2), timeout=90).status == "completed"
