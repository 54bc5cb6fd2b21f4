"""Executing one run: claim its lease, prepare in a child, publish once. Whatever happens, its row tells the truth."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.db.datasets import Datasets
from shared.db.runs import MAX_ATTEMPTS, Publication, RunRecord, Runs
from shared.errors import ServiceError, Unavailable
from shared.isolation import ChildDied, DeadlineExceeded, Isolation, OutOfMemory, TaskFailed
from shared.logs import get_logger
from shared.queue import RunQueue
from shared.scratch import Scratch
from shared.storage import ObjectStore
from worker_service.preparation import ARTIFACTS, Prepared, prepare

Program = Callable[[Callable[[str, int], None], Path, Path, dict[str, Any]], Prepared]

_PROGRESS_SECONDS = 0.3
_log = get_logger("worker")


class LeaseLost(Exception):
    """Somebody else has the run now; nothing this worker did may show."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a run may cost, and how its worker shows it is alive."""

    timeout: dict[str, float]
    """Seconds by queue."""
    memory_bytes: int
    lease: timedelta
    heartbeat_seconds: float


@dataclass
class _Progress:
    """The last thing the child told."""

    stage: str = "loading"
    percent: int = 0

    def tell(self, stage: str, percent: int) -> None:
        self.stage, self.percent = stage, percent


class RunExecutor:
    """Executes runs that ARQ delivers; delivery may be doubled or late without harm."""

    def __init__(
        self,
        *,
        runs: Runs,
        datasets: Datasets,
        store: ObjectStore,
        queue: RunQueue,
        isolation: Isolation,
        scratch: Scratch,
        terms: Terms,
        program: Program = prepare,
    ) -> None:
        """`program` is what the child runs: `program(tell, table, target, options)`."""
        self._runs = runs
        self._datasets = datasets
        self._store = store
        self._queue = queue
        self._isolation = isolation
        self._scratch = scratch
        self._terms = terms
        self._program = program

    async def execute(self, run_id: UUID) -> None:
        """Bring the run as far as it will come; returns at once where its lease is not to be had."""
        run = await self._runs.claim(run_id, lease=self._terms.lease)
        if run is None or run.lease_token is None:
            return
        started = time.perf_counter()
        log = _log.bind(run_id=str(run_id), attempt=run.attempt)
        log.info("run started", queue=run.queue)
        try:
            await self._attempt(run, run.lease_token)
            log.info("run completed", seconds=round(time.perf_counter() - started, 3))
        except LeaseLost:
            log.warning("run lost to another worker")
        except asyncio.CancelledError:
            handed_back = await asyncio.shield(self._runs.hand_back(run_id, run.lease_token))
            log.info("run handed back" if handed_back else "run lost to another worker")
            raise
        except Unavailable as error:
            await self._retry_or_fail(run, run.lease_token, error.reason, error.detail)
        except ChildDied as error:
            detail = f"The process preparing this dataset died ({error})."
            await self._retry_or_fail(run, run.lease_token, "PROCESS_DIED", detail)
        except Exception as error:
            reason, detail = self._explain(run, error)
            log.warning("run failed", reason=reason, frames=error.frames if isinstance(error, TaskFailed) else None)
            await self._runs.fail(run_id, run.lease_token, reason=reason, detail=detail)

    async def _attempt(self, run: RunRecord, token: UUID) -> None:
        progress = _Progress()
        work = asyncio.create_task(self._work(run, token, progress))
        company = asyncio.create_task(self._accompany(run, token, progress))
        try:
            await asyncio.wait([work, company], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise LeaseLost
            await work
        finally:
            for task in (work, company):
                task.cancel()
            await asyncio.gather(work, company, return_exceptions=True)

    async def _accompany(self, run: RunRecord, token: UUID, progress: _Progress) -> None:
        """Show progress and signs of life; ends when the lease is lost."""
        shown: tuple[str, int] | None = None
        alive_until = time.monotonic() + self._terms.heartbeat_seconds
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            try:
                if time.monotonic() >= alive_until:
                    if not await self._runs.extend(run.id, token, lease=self._terms.lease):
                        return
                    await self._queue.renew(run.id, ttl_seconds=self._terms.lease.total_seconds())
                    alive_until = time.monotonic() + self._terms.heartbeat_seconds
                latest = (progress.stage, progress.percent)
                if latest != shown:
                    if not await self._runs.progress(run.id, token, stage=latest[0], percent=latest[1]):
                        return
                    shown = latest
            except Unavailable as error:
                _log.warning("heartbeat missed", run_id=str(run.id), reason=error.reason)

    async def _work(self, run: RunRecord, token: UUID, progress: _Progress) -> None:
        dataset = await self._datasets.get(run.dataset_id)
        prefix = f"datasets/{run.dataset_id}/runs/{run.id}/{token}"
        async with self._scratch.folder() as place, self._store.local_copy(dataset.table_key, scratch=place) as table:
            target = place / "artifacts"
            target.mkdir()
            prepared = await self._isolation.run(
                self._program,
                table,
                target,
                run.options,
                deadline=self._terms.timeout[run.queue],
                memory_bytes=self._terms.memory_bytes,
                on_progress=progress.tell,
            )
            async with self._staged(prefix):
                progress.tell("publishing", 95)
                await asyncio.gather(
                    *(self._store.put_file(f"{prefix}/{name}", target / name, move=True) for name in ARTIFACTS)
                )
                if not await self._runs.publish(run.id, token, _publication(prefix, prepared)):
                    raise LeaseLost

    @asynccontextmanager
    async def _staged(self, prefix: str) -> AsyncIterator[None]:
        """What was stored under the prefix goes again unless the block succeeds."""
        try:
            yield
        except BaseException:
            await asyncio.shield(self._store.delete_prefix(prefix))
            raise

    async def _retry_or_fail(self, run: RunRecord, token: UUID, reason: str, detail: str) -> None:
        log = _log.bind(run_id=str(run.id), attempt=run.attempt, reason=reason)
        if run.attempt >= MAX_ATTEMPTS:
            log.warning("run failed")
            await self._runs.fail(run.id, token, reason=reason, detail=f"{detail} It was tried {run.attempt} times.")
        else:
            log.warning("run will be retried")
            await self._runs.retry(run.id, token, reason=reason, detail=detail, attempt=run.attempt)

    def _explain(self, run: RunRecord, error: Exception) -> tuple[str, str]:
        """Reason and sentence for a failure that a repeat would not cure."""
        match error:
            case ServiceError():
                return error.reason, error.detail
            case DeadlineExceeded():
                minutes = self._terms.timeout[run.queue] / 60
                return "TIMED_OUT", f"Preparation took longer than the {minutes:g} minutes allowed and was stopped."
            case OutOfMemory():
                gigabytes = self._terms.memory_bytes / 1024**3
                return "OUT_OF_MEMORY", f"Preparation needed more than the {gigabytes:g} GiB of memory allowed."
        return "INTERNAL", f"Preparation failed through a defect of ours; please report run {run.id}."


def _publication(prefix: str, prepared: Prepared) -> Publication:
    return Publication(artifacts=prefix, **vars(prepared))
