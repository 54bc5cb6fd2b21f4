"""Healing the queue: PostgreSQL says which runs are due, Redis is made to know them."""

import asyncio

from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import Unavailable
from shared.logs import get_logger
from shared.queue import RunQueue

_LEADER_KEY = 0x6E6C_7265
"""Whoever holds this advisory lock is the one reconciler that works."""

_BATCH = 1000
_log = get_logger("reconciler")


class Reconciler:
    """Delivers every due run that Redis does not know, and ends the runs whose workers keep dying."""

    def __init__(self, *, database: Database, runs: Runs, queue: RunQueue, period_seconds: float) -> None:
        self._database = database
        self._runs = runs
        self._queue = queue
        self._period_seconds = period_seconds

    async def run_forever(self) -> None:
        """Reconcile once a period; an outage of PostgreSQL or Redis is waited out."""
        while True:
            try:
                await self.reconcile()
            except Unavailable as error:
                _log.warning("reconciling failed", reason=error.reason)
            except Exception as error:  # a reconciler that dies leaves every lost run lost
                _log.error("reconciling failed", exc_info=error)
            await asyncio.sleep(self._period_seconds)

    async def reconcile(self) -> int:
        """One pass, if this process leads; returns how many runs it delivered."""
        async with self._database.session_lock(_LEADER_KEY) as leading:
            if not leading:
                return 0
            for run_id in await self._runs.fail_exhausted():
                _log.warning("run failed", run_id=str(run_id), reason="WORKER_LOST")
            due = await self._runs.due(limit=_BATCH)
            known = await self._queue.known(run_id for run_id, _ in due)
            missing = [(run_id, queue) for run_id, queue in due if run_id not in known]
            for run_id, queue in missing:
                await self._queue.enqueue(queue, run_id)
            if missing:
                _log.info("runs delivered", count=len(missing))
            return len(missing)
