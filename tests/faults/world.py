"""The whole system with a proxy in each of its connections, and a client that keeps a ledger of accepted datasets."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]
from redis.asyncio import Redis

from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.local.ports import free_port
from deploy.local.programs import PROGRAMS, Program
from deploy.local.stack import Stack, StackPlan
from shared.contracts.artifacts import ARTIFACTS
from shared.db.datasets import Datasets
from shared.db.session import Database
from shared.settings.parts import DatabaseSettings
from shared.storage.local import LocalObjectStore
from tests.faults.proxy import Proxy
from tests.scratch import folders_in_use
from worker_service.pipeline.garbage_collector import OrphanCollector

ENDED = ("completed", "failed", "cancelled")
SERVICES = ("ingest", "pipeline", "report")
_START_SECONDS = 0.05
"""More than a child computes until it waits for a task."""
TWO_WORKERS = (*PROGRAMS, Program("worker-fast-2", ("-m", "worker_service", "worker", "--queue", "eda_fast")))


@dataclass(frozen=True)
class Accepted:
    """A dataset that a client knows to be accepted."""

    dataset_id: str
    rows: int
    tries: int
    accepted_at: float = field(default_factory=time.monotonic)

    @property
    def uuid(self) -> UUID:
        """The id of the dataset."""
        return UUID(self.dataset_id)


class World:
    """A stack whose servers run beside it, so that a test can stop them."""

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        programs: Sequence[Program] = TWO_WORKERS,
        store_port: int | None = None,
    ) -> None:
        """Start everything.

        Args:
            data_dir: directory for all files.
            settings: settings that differ from those of the tests.
            programs: the processes to run.
            store_port: port of a local S3 server; without it, objects are stored in a directory.
        """
        self.ledger: list[Accepted] = []
        self._exit_stack = contextlib.ExitStack()
        self.postgres = self._exit_stack.enter_context(EmbeddedPostgres(data_dir / "postgres"))
        self.valkey = self._exit_stack.enter_context(EmbeddedValkey(data_dir / "valkey"))
        self.failpoints = data_dir / "failpoints"
        self.failpoints.mkdir()
        ports = {name: free_port() for name in SERVICES}
        targets = {"postgres": _port(self.postgres.url), "redis": _port(self.valkey.url), **ports}
        if store_port is not None:
            targets["store"] = store_port
        self.proxies = {name: Proxy(port) for name, port in targets.items()}
        for proxy in self.proxies.values():
            self._exit_stack.callback(proxy.close)
        store = {} if store_port is None else {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxies['store'].port}"}
        self.stack = Stack(
            data_dir / "stack",
            ports="free",
            plan=StackPlan(programs=programs, longest_pause=1),
            env_overrides={
                "DATABASE_URL": self._proxied_url("postgres", self.postgres.url),
                "REDIS_URL": self._proxied_url("redis", self.valkey.url),
                "FAILPOINTS": str(self.failpoints),
                "LEASE_SECONDS": "3",
                "HEARTBEAT_SECONDS": "1",
                "RECONCILE_SECONDS": "0.5",
                # Less than an upload waits for a slot, so that who waits behind a silent client gets one in time.
                "UPLOAD_IDLE_SECONDS": "4",
                "DEEP_UPLOADS_PER_USER": "0",
                **{f"{name.upper()}_PORT": str(port) for name, port in ports.items()},
                **{f"{name.upper()}_TARGET": f"127.0.0.1:{self.proxies[name].port}" for name in SERVICES},
                **store,
                **(settings or {}),
            },
        )
        self._exit_stack.enter_context(self.stack)
        self.client = httpx.AsyncClient(base_url=self.stack.gateway_url, timeout=60)

    async def close(self) -> None:
        """Stop everything."""
        await self.client.aclose()
        self._exit_stack.close()

    # The client.

    async def upload(self, content: bytes, *, patience: float = 60, key: str | None = None, **fields: str) -> Accepted:
        """Upload with one Idempotency-Key until it is accepted; each refusal must be one that asks for a retry."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        deadline = time.monotonic() + patience
        tries = 0
        while True:
            tries += 1
            pause = 0.2
            with contextlib.suppress(httpx.TransportError):
                files = {"file": ("x.csv", content)}
                answer = await self.client.post("/dataset/upload", files=files, data=fields, headers=headers)
                if answer.status_code == 200:
                    accepted = Accepted(answer.json()["dataset_id"], content.count(b"\n") - 1, tries)
                    self.ledger.append(accepted)
                    return accepted
                assert answer.status_code in (408, 503, 504), answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                if answer.json()["reason"] == "TOO_MANY_UPLOADS":
                    pause = float(answer.headers["retry-after"]) * random.uniform(0.5, 1.5)
            assert time.monotonic() < deadline, "not accepted in time"
            await asyncio.sleep(pause)

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return the JSON of a GET request that must succeed."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    # The true state of the system.

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """Query PostgreSQL directly, not through a proxy."""
        connection = await asyncpg.connect(self.postgres.url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def run(self, accepted: Accepted) -> Any:
        """Return the run of a dataset as it is now."""
        return (await self.rows("select * from runs where dataset_id = $1", accepted.uuid))[0]

    async def collect_orphans(self) -> None:
        """Remove orphaned objects with the collector of the system, without its grace period; in a directory only."""
        if "store" in self.proxies:
            return
        database = Database(DatabaseSettings(database_url=self.postgres.url).database_url)
        try:
            store = LocalObjectStore(self.stack.settings.storage_dir)
            await OrphanCollector(datasets=Datasets(database), store=store, grace=timedelta()).collect()
        finally:
            await database.close()

    async def orphans(self) -> list[str]:
        """Return the folders of objects that belong to no dataset, with their contents."""
        known = {str(row[0]) for row in await self.rows("select id from datasets")}
        folder = self.stack.settings.storage_dir / "datasets"
        unknown = [path for path in folder.glob("*") if path.name not in known]
        return [f"{path.name}: {sorted(below.name for below in path.rglob('*'))}" for path in unknown]

    def redis(self) -> Redis:
        """Return a client that reaches Redis directly, not through a proxy."""
        client: Redis = Redis.from_url(self.valkey.url)
        return client

    async def wait_for_exit(self, pid: int, *, patience: float = 20) -> None:
        """Wait until a process has ended."""
        deadline = time.monotonic() + patience
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"{pid} does not end"
            await asyncio.sleep(0.02)

    async def wait_for_state(self, accepted: Accepted, *states: str, patience: float = 60) -> Any:
        """Wait until the run of a dataset is in one of the states, and return it."""
        deadline = time.monotonic() + patience
        while (run := await self.run(accepted))["state"] not in states:
            assert time.monotonic() < deadline, _brief(run)
            await asyncio.sleep(0.02)
        return run

    async def wait_until_ended(self, accepted: Iterable[Accepted], *, patience: float = 60) -> None:
        """Wait until all runs have ended, with progress at least every `patience` seconds, and without backoff."""
        ids = [dataset.uuid for dataset in accepted]
        fewest, deadline = len(ids) + 1, 0.0
        while (left := await self.unfinished(ids)) > 0:
            if left < fewest:
                fewest, deadline = left, time.monotonic() + patience
            assert time.monotonic() < deadline, f"{left} of {len(ids)} have not ended"
            await self.skip_backoff()
            await asyncio.sleep(0.1)

    async def unfinished(self, dataset_ids: Sequence[UUID]) -> int:
        """Return how many of the datasets have an unfinished run."""
        query = "select count(*) from runs where dataset_id = any($1) and state in ('queued', 'running')"
        count: int = (await self.rows(query, dataset_ids))[0][0]
        return count

    async def cancel_queued(self, accepted: Iterable[Accepted]) -> None:
        """Cancel the queued runs of datasets, to save the time of their preparation."""
        query = "update runs set state = 'cancelled', stage = 'cancelled' "
        await self.rows(
            f"{query} where dataset_id = any($1) and state = 'queued'", [dataset.uuid for dataset in accepted]
        )

    async def skip_backoff(self) -> None:
        """Make all runs due that wait for their next attempt."""
        await self.rows("update runs set due_at = now() where state = 'queued' and due_at > now()")

    async def check(self, accepted: Iterable[Accepted], *, may_fail: bool = False) -> None:
        """Check promises P1 to P3: each run ended with one complete result or a reason, and left nothing else."""
        slots = asyncio.Semaphore(8)

        async def check_dataset(dataset: Accepted) -> None:
            async with slots:
                await self._check(dataset, may_fail=may_fail)

        async with asyncio.TaskGroup() as tasks:
            for dataset in accepted:
                tasks.create_task(check_dataset(dataset))

    async def _check(self, dataset: Accepted, *, may_fail: bool) -> None:
        run = await self.run(dataset)
        if run["state"] == "failed" and may_fail:
            assert run["error_reason"] and run["error_detail"], _brief(run)
            return
        assert run["state"] == "completed", _brief(run)
        completed_events = "select count(*) from run_events where run_id = $1 and state = 'completed'"
        assert (await self.rows(completed_events, run["id"]))[0][0] == 1
        distinct_graphs = (
            "select count(*), count(distinct graph_id) from graph_metadata where run_id = $1 and version = 0"
        )
        graphs = (await self.rows(distinct_graphs, run["id"]))[0]
        assert graphs[0] == graphs[1] > 0
        repeated_steps = 'select count(*) from (select step, kind, "column", why from cleaning_logs '
        repeated_steps += "where run_id = $1 and version = 0 group by 1, 2, 3, 4 having count(*) > 1) as doubled"
        assert (await self.rows(repeated_steps, run["id"]))[0][0] == 0
        await self._check_objects(dataset, run)

    async def _check_objects(self, accepted: Accepted, run: Any) -> None:
        deadline = time.monotonic() + 30
        while (answer := await self.client.get(f"/dataset/{accepted.dataset_id}/cleaned")).status_code == 503:
            assert time.monotonic() < deadline, answer.text
            await asyncio.sleep(0.2)
        assert answer.status_code == 200, answer.text
        assert answer.text.count("\n") - 1 == accepted.rows
        if "store" in self.proxies:
            return
        folder = self.stack.settings.storage_dir / "datasets" / accepted.dataset_id / "runs"
        attempts = {path.parent for path in folder.rglob("*.parquet")}
        assert {path.relative_to(self.stack.settings.storage_dir).as_posix() for path in attempts} == {run["artifacts"]}
        names = {path.name for path in attempts.pop().iterdir() if path.is_file()}
        assert names == set(ARTIFACTS)

    # Faults.

    def arm(self, point: str, action: str) -> None:
        """Make the next process that reaches the failpoint fail there."""
        temporary = self.failpoints / f".{point}"
        temporary.write_text(action)
        temporary.rename(self.failpoints / point)

    async def wait_for_failpoint(self, point: str, *, patience: float = 60) -> int:
        """Wait until a process has failed at the failpoint, and return its id."""
        deadline = time.monotonic() + patience
        while not (markers := list(self.failpoints.glob(f"{point}.*.taken"))):
            assert time.monotonic() < deadline, f"nobody came by {point}"
            await asyncio.sleep(0.01)
        pid = int(markers[0].name.split(".")[1])
        markers[0].unlink()
        return pid

    def disarm(self) -> None:
        """Disarm all failpoints."""
        for path in self.failpoints.glob("[!.]*"):  # a hidden file is a process's, which is about to read it
            path.unlink(missing_ok=True)

    def pids(self, *names: str) -> dict[str, int]:
        """Return the process ids of programs; of all by default."""
        return {name: self.stack.process(name).pid for name in names or self.stack.names}

    def scratch_folders(self) -> list[str]:
        """Return the temporary folders of work in progress."""
        assert self.stack.settings.scratch_dir is not None
        return folders_in_use(self.stack.settings.scratch_dir)

    def child_of(self, pid: int) -> psutil.Process | None:
        """Return the child process that works for a worker or a service just now; None if all wait.

        A child that has not computed for long may only be starting, to wait for a task.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    is_running = child.ppid() != pid and child.status() == psutil.STATUS_RUNNING
                    if is_running and child.cpu_times().user >= _START_SECONDS:
                        return child
        return None

    async def wait_until_ready(self, *names: str, patience: float = 60) -> None:
        """Wait until all given programs (by default all) run and are ready."""
        deadline = time.monotonic() + patience
        for name in names or self.stack.names:
            while not self._is_up(name):
                assert time.monotonic() < deadline, f"{name} does not come back"
                await asyncio.sleep(0.1)

    def _is_up(self, name: str) -> bool:
        try:
            return self.stack.process(name).is_ready(self.stack.settings) and self.stack.process(name).pid > 0
        except ProcessLookupError:
            return False

    def _proxied_url(self, name: str, url: str) -> str:
        return url.replace(f":{_port(url)}/", f":{self.proxies[name].port}/")


def _brief(run: Any) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name not in ("summary", "features", "options")}


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
