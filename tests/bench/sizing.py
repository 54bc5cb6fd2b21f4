"""What a dataset costs: processor time by process, memory of its run, bytes in each store."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]
from redis.asyncio import Redis

from deploy.local.programs import PROGRAMS
from deploy.local.stack import Stack, StackPlan
from shared.queue import connect_queue
from tests.bench.processor_time import cpu_seconds
from tests.bench.service import count_completed, upload
from tests.bench.tables import mixed_table, write_csv

SIZES = ((1_000, 10, 100), (10_000, 30, 20), (100_000, 60, 4))
"""Rows, columns, and how many datasets are measured."""
_SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """The cost of one dataset, on average."""

    rows: int
    columns: int
    csv_bytes: int
    cpu_seconds: dict[str, float]
    """By process; its children are included."""
    peak_bytes: int
    """The most memory that a run's child held at a time."""
    object_bytes: int
    row_bytes: int
    """Bytes of rows and indexes in PostgreSQL."""


def print_sizing(folder: Path) -> None:
    """Measure datasets of three sizes, and print a line for each."""
    folder.mkdir()
    # Without a worker of the other queue, where the runs wait that show what Redis needs.
    plan = StackPlan(programs=[program for program in PROGRAMS if program.name != "worker-deep"])
    with Stack(folder / "stack", ports="free", plan=plan, env_overrides={"WORKER_SLOTS": "1"}) as stack:
        with httpx.Client(base_url=stack.gateway_url, timeout=300) as client:
            for rows, columns, count in SIZES:
                table = write_csv(mixed_table(rows, columns), folder / f"{rows}.csv")
                _prepare(client, table, 2)
                _print(asyncio.run(_measure(stack, client, table, (rows, columns, count))))
        print(f"Redis: {asyncio.run(_bytes_of_a_job(stack)):,.0f} bytes for a run that waits, none for others")


def _print(cost: Cost) -> None:
    seconds = ", ".join(f"{name} {spent:.3f}" for name, spent in cost.cpu_seconds.items())
    print(
        f"{cost.rows:,} × {cost.columns} ({cost.csv_bytes / 1e6:.2f} MB of CSV): "
        f"{sum(cost.cpu_seconds.values()):.2f} s of a core ({seconds}); "
        f"{cost.peak_bytes / 2**20:,.0f} MiB in the child of the run; "
        f"{cost.object_bytes / 1e6:.2f} MB of objects; {cost.row_bytes / 1000:.0f} kB in PostgreSQL"
    )


async def _measure(stack: Stack, client: httpx.Client, table: Path, size: tuple[int, int, int]) -> Cost:
    rows, columns, count = size
    before, rows_before, objects_before = cpu_seconds(stack), await _row_bytes(stack), _object_bytes(stack)
    with _Memory(stack.process("worker-fast").pid) as memory:
        _prepare(client, table, count)
    after = cpu_seconds(stack)
    return Cost(
        rows=rows,
        columns=columns,
        csv_bytes=table.stat().st_size,
        cpu_seconds={name: (after[name] - before[name]) / count for name in after},
        peak_bytes=memory.peak_bytes,
        object_bytes=(_object_bytes(stack) - objects_before) // count,
        row_bytes=(await _row_bytes(stack) - rows_before) // count,
    )


def _prepare(client: httpx.Client, table: Path, count: int) -> None:
    owner = f"sizing-{uuid4().hex}"
    for _ in range(count):
        upload(client, table, user_id=owner)
    while count_completed(client, owner) < count:
        time.sleep(0.2)


async def _row_bytes(stack: Stack) -> int:
    assert stack.postgres is not None
    connection = await asyncpg.connect(stack.postgres.url)
    try:
        await connection.execute("vacuum full")
        size: int = await connection.fetchval("select pg_database_size(current_database())")
        return size
    finally:
        await connection.close()


def _object_bytes(stack: Stack) -> int:
    return sum(path.stat().st_size for path in stack.settings.storage_dir.rglob("*") if path.is_file())


async def _bytes_of_a_job(stack: Stack, count: int = 1000) -> float:
    """Return the memory that Redis needs for a run that waits in a queue without workers."""
    assert stack.valkey is not None
    queue, redis = await connect_queue(stack.valkey.url), Redis.from_url(stack.valkey.url)
    try:
        before = (await redis.info())["used_memory"]
        ids = [uuid4() for _ in range(count)]
        for run_id in ids:
            await queue.enqueue("eda_deep", run_id)
        after = (await redis.info())["used_memory"]
        for run_id in ids:
            await queue.forget(run_id)
        return float(after - before) / count
    finally:
        await queue.close()
        await redis.aclose()


@dataclass
class _Memory:
    """Samples the memory of a worker's children while the block runs."""

    pid: int
    peak_bytes: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stopped.wait(_SAMPLE_SECONDS):
            for child in psutil.Process(self.pid).children(recursive=True):
                try:
                    self.peak_bytes = max(self.peak_bytes, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
