"""Reconciliation of the queue in Redis with the runs that are due according to PostgreSQL."""

import time
from datetime import timedelta

from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import Unavailable
from shared.failpoints import failpoint
from shared.logs import get_logger
from shared.queue import RunQueue
from worker_service.pipeline.metrics import ENQUEUED, WORKERS_LOST

_LEADER_KEY = 0x6E6C_7265
"""The advisory lock that the leading reconciler holds; the others do nothing."""

_BATCH = 1000
_log = get_logger("reconciler")


class Reconciler:
    """Enqueues the due runs that Redis lost, fails runs whose workers keep dying, and purges old failures."""

    def __init__(
        self,
        *,
        database: Database,
        runs: Runs,
        datasets: Datasets,
        queue: RunQueue,
        failed_kept: timedelta,
        heartbeat_seconds: float,
    ) -> None:
        """Create a reconciler.

        Args:
            database: holds the lock of the leading reconciler.
            runs: the table of runs.
            datasets: the table of datasets.
            queue: the queue in Redis.
            failed_kept: how long failed datasets are kept before they are purged.
            heartbeat_seconds: the interval at which workers extend their leases.
        """
        self._database = database
        self._runs = runs
        self._datasets = datasets
        self._queue = queue
        self._failed_kept = failed_kept
        self._heartbeat_seconds = heartbeat_seconds
        # There may have been an outage just before this process started, so it counts as one.
        self._last_outage_at = time.monotonic()

    async def reconcile(self) -> int:
        """Reconcile once if this process holds the lock, and return how many runs were enqueued.

        Raises:
            Unavailable: PostgreSQL or Redis does not answer.
        """
        try:
            async with self._database.session_lock(_LEADER_KEY) as is_leader:
                return await self._reconcile() if is_leader else 0
        except Unavailable:
            self._last_outage_at = time.monotonic()
            raise

    async def _reconcile(self) -> int:
        if self._had_time_for_heartbeats():
            for run_id in await self._runs.fail_exhausted():
                WORKERS_LOST.inc()
                _log.warning("run failed", run_id=str(run_id), reason="WORKER_LOST")
        for dataset_id in await self._datasets.purge_failed(kept=self._failed_kept, limit=_BATCH):
            # The garbage collector removes its objects.
            _log.info("failed dataset purged", dataset_id=str(dataset_id))
        enqueued = await self._enqueue_missing()
        ENQUEUED.inc(enqueued)
        if enqueued:
            _log.info("runs enqueued", count=enqueued)
        await failpoint("reconciled")
        return enqueued

    async def _enqueue_missing(self) -> int:
        """Enqueue every due run that Redis does not know, and return how many those were."""
        enqueued = 0
        due = await self._runs.due(limit=_BATCH)
        while due:
            known = await self._queue.known(run.id for run in due)
            missing = [run for run in due if run.id not in known]
            for run in missing:
                if not await self._queue.enqueue(run.queue, run.id, turn_at=run.turn_at):
                    # Redis lost part of the job, and no worker would find the rest of it.
                    await self._queue.forget(run.id)
                    await self._queue.enqueue(run.queue, run.id, turn_at=run.turn_at)
            enqueued += len(missing)
            due = await self._runs.due(limit=_BATCH, after=due[-1])
        return enqueued

    def _had_time_for_heartbeats(self) -> bool:
        """Return True if a missing heartbeat means a dead worker: after an outage, workers need time to send one."""
        return time.monotonic() - self._last_outage_at > 2 * self._heartbeat_seconds
