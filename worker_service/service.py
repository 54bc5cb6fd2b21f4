"""Handing runs to workers and telling how they fare."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.db.runs import QueueLoad, RunRecord, Runs
from shared.failpoints import failpoint
from shared.queue import RunQueue

WATCH_SECONDS = 0.3
SIGN_OF_LIFE_SECONDS = 10.0


class Pipeline:
    """The use cases of PipelineService."""

    def __init__(self, *, runs: Runs, events: Events, queue: RunQueue) -> None:
        self._runs = runs
        self._events = events
        self._queue = queue

    async def start_run(self, run_id: UUID) -> RunRecord:
        """Deliver a run that waits for a worker; a run that does not is left alone.

        Raises:
            Unavailable: Redis does not answer; the reconciler will deliver the run when it does.
        """
        run = await self._runs.get(run_id)
        await failpoint("starting")
        if run.state == "queued":
            await self._queue.enqueue(run.queue, run_id, turn_at=run.turn_at)
        return run

    async def get_run(self, run_id: UUID) -> RunRecord:
        """One run."""
        return await self._runs.get(run_id)

    async def watch(self, dataset_id: UUID, *, after: int) -> AsyncIterator[RunEvent | None]:
        """What happens to a dataset's run behind an event, until it has ended; None now and then as a sign of life.

        Raises:
            NotFound: no dataset has this id, or it was removed.
        """
        silent_since = time.monotonic()
        while True:
            events, ended = await self._events.after(dataset_id, after)
            for event in events:
                after, silent_since = event.sequence, time.monotonic()
                yield event
            if ended and not events:
                return
            if time.monotonic() - silent_since > SIGN_OF_LIFE_SECONDS:
                silent_since = time.monotonic()
                latest = await self._events.latest(dataset_id)
                # Who waits sees the queue move; its last event comes again under the same number.
                yield latest if latest.queue_position is not None and latest.sequence == after else None
            if not ended:
                await asyncio.sleep(WATCH_SECONDS)

    async def queue_loads(self) -> dict[str, QueueLoad]:
        """How much work each queue holds."""
        return await self._runs.load()
