"""Handing runs to workers and telling how they fare."""

from collections.abc import AsyncIterator
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.db.runs import QueueLoad, RunRecord, Runs
from shared.failpoints import failpoint
from shared.queue import RunQueue
from worker_service.lookout import Lookout

SIGN_OF_LIFE_SECONDS = 10.0


class Pipeline:
    """The use cases of PipelineService."""

    def __init__(self, *, runs: Runs, events: Events, lookout: Lookout, queue: RunQueue) -> None:
        self._runs = runs
        self._events = events
        self._lookout = lookout
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
            Unavailable: PostgreSQL does not answer, or too many watch already.
        """
        with self._lookout.watching(dataset_id, after=after) as watcher:
            quiet = True
            while True:
                events, ended = await self._events.after(dataset_id, watcher.after)
                for event in events:
                    watcher.after = event.sequence
                    yield event
                if ended and not events:
                    return
                if quiet and not events:
                    # Who waits sees the queue move; its last event comes again under the same number.
                    latest = await self._events.latest(dataset_id)
                    waits = latest.queue_position is not None and latest.sequence == watcher.after
                    yield latest if waits else None
                quiet = not ended and not await watcher.wait(seconds=SIGN_OF_LIFE_SECONDS)

    async def queue_loads(self) -> dict[str, QueueLoad]:
        """How much work each queue holds."""
        return await self._runs.load()
