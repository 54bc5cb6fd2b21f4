"""Handing runs to workers and telling how they fare."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.db.runs import QueueLoad, RunRecord, Runs
from shared.errors import Unavailable
from shared.failpoints import failpoint
from shared.queue import RunQueue
from worker_service.pipeline.event_poller import EventPoller, Subscription

SIGN_OF_LIFE_SECONDS = 10.0
ASKING_AT_ONCE = 4
"""Of all who watch; so they leave connections to PostgreSQL for others."""


class Pipeline:
    """The use cases of PipelineService."""

    def __init__(self, *, runs: Runs, events: Events, event_poller: EventPoller, queue: RunQueue) -> None:
        self._runs = runs
        self._events = events
        self._lookout = event_poller
        self._queue = queue
        self._asking = asyncio.Semaphore(ASKING_AT_ONCE)

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

        Behind an event that the run never had (of another dataset, or from before a restored backup), all come.

        Raises:
            NotFound: no dataset has this id, or it was removed.
            Unavailable: PostgreSQL does not answer, or too many watch already.
        """
        if after and after > (await self._events.last_of({dataset_id})).get(dataset_id, after):
            after = 0
        with self._lookout.watching(dataset_id, after=after) as watcher:
            answered, quiet = False, True
            while True:
                try:
                    told, ended = await self._news(watcher, quiet=quiet)
                except Unavailable:
                    if not answered:
                        raise
                    told, ended = [None], False  # whoever watches already waits for PostgreSQL too
                answered = True
                for event in told:
                    if event is not None:
                        watcher.advance(event)
                    yield event
                if ended and not told:
                    return
                # Not all at the same moment.
                quiet = not ended and not await watcher.wait(seconds=SIGN_OF_LIFE_SECONDS * random.uniform(0.8, 1.2))

    async def _news(self, watcher: Subscription, *, quiet: bool) -> tuple[Sequence[RunEvent | None], bool]:
        """What a watcher is to be told now, and whether the run has ended.

        Where all is quiet: a sign of life, or, while the run waits, its last event once more, with the queue as it is.
        """
        if quiet and not watcher.waits:
            return [None], False
        async with self._asking:
            events, ended = await self._events.after(watcher.dataset_id, watcher.after)
            if events or ended or not quiet:
                return events, ended
            latest = await self._events.latest(watcher.dataset_id)
        watcher.waits = latest.state == "queued"
        return [latest if watcher.waits and latest.sequence == watcher.after else None], False

    async def queue_loads(self) -> dict[str, QueueLoad]:
        """How much work each queue holds."""
        return await self._runs.load()
