"""Healing the queue: PostgreSQL says which runs are due, Redis is made to know them."""

import time
from datetime import timedelta

from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import Unavailable
from shared.failpoints import failpoint
from shared.logs import get_logger
from shared.queue import RunQueue

_LEADER_KEY = 0x6E6C_7265
"""Whoever holds this advisory lock is the one reconciler that works."""

_BATCH = 1000
_log = get_logger("reconciler")


class Reconciler:
    """Delivers every due run that Redis does not know, ends the runs whose workers keep dying, purges old failures."""

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
        """`failed_kept` is how long failed runs stay to be looked at; `heartbeat_seconds` as workers have it."""
        self._database = database
        self._runs = runs
        self._datasets = datasets
        self._queue = queue
        self._failed_kept = failed_kept
        self._heartbeat_seconds = heartbeat_seconds
        # What was before this process is not known: there may have been an outage.
        self._trouble_at = time.monotonic()

    async def reconcile(self) -> int:
        """One pass, if this process leads; returns how many runs it delivered."""
        try:
            async with self._database.session_lock(_LEADER_KEY) as leading:
                return await self._heal() if leading else 0
        except Unavailable:
            self._trouble_at = time.monotonic()
            raise

    async def _heal(self) -> int:
        if self._workers_could_be_heard():
            for run_id in await self._runs.fail_exhausted():
                _log.warning("run failed", run_id=str(run_id), reason="WORKER_LOST")
        for dataset_id in await self._datasets.purge_failed(kept=self._failed_kept, limit=_BATCH):
            # Its objects are left to the collector.
            _log.info("failed dataset purged", dataset_id=str(dataset_id))
        delivered = await self._deliver()
        if delivered:
            _log.info("runs delivered", count=delivered)
        await failpoint("reconciled")
        return delivered

    async def _deliver(self) -> int:
        """Make Redis know every due run; returns how many it did not."""
        delivered = 0
        due = await self._runs.due(limit=_BATCH)
        while due:
            known = await self._queue.known(run.id for run in due)
            missing = [run for run in due if run.id not in known]
            for run in missing:
                if not await self._queue.enqueue(run.queue, run.id, turn_at=run.turn_at):
                    # Redis has kept half of a job, which no worker would find.
                    await self._queue.forget(run.id)
                    await self._queue.enqueue(run.queue, run.id, turn_at=run.turn_at)
            delivered += len(missing)
            due = await self._runs.due(limit=_BATCH, after=due[-1])
        return delivered

    def _workers_could_be_heard(self) -> bool:
        """Whether silence means death: after an outage, workers need a moment to give signs of life again."""
        return time.monotonic() - self._trouble_at > 2 * self._heartbeat_seconds
