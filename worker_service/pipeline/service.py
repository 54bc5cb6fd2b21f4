"""Use cases of PipelineService: enqueue runs, look them up, and stream their events."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.db.runs import QueueLoad, RunRecord, Runs
from shared.errors import Unavailable
from shared.failpoints import failpoint
from shared.queue import RedisInfo, RunQueue, WorkerHeartbeat
from worker_service.pipeline.event_poller import EventPoller, Subscription

SIGN_OF_LIFE_SECONDS = 10.0
"""The longest time without a message to a watcher."""
_MAX_CONCURRENT_QUERIES = 4
"""The limit for all watchers together, so that connections to PostgreSQL are left for other calls."""


class Pipeline:
    """The use cases of PipelineService."""

    def __init__(self, *, runs: Runs, events: Events, event_poller: EventPoller, queue: RunQueue) -> None:
        self._runs = runs
        self._events = events
        self._event_poller = event_poller
        self._queue = queue
        self._query_slots = asyncio.Semaphore(_MAX_CONCURRENT_QUERIES)

    async def start_run(self, run_id: UUID) -> RunRecord:
        """Enqueue a run if it is waiting for a worker, and return it.

        Raises:
            NotFound: there is no such run.
            Unavailable: Redis does not answer; the reconciler will enqueue the run when it does.
        """
        run = await self._runs.get(run_id)
        await failpoint("starting")
        if run.state == "queued":
            await self._queue.enqueue(run.queue, run_id, turn_at=run.turn_at)
        return run

    async def get_run(self, run_id: UUID) -> RunRecord:
        """Return one run.

        Raises:
            NotFound: there is no such run.
        """
        return await self._runs.get(run_id)

    async def watch(self, dataset_id: UUID, *, after: int) -> AsyncIterator[RunEvent | None]:
        """Yield the events of a dataset's run after a sequence number, until the run ends; None is a sign of life.

        If the run never had an event with this number (it belongs to another dataset, or is from before a backup was
        restored), all events are yielded.

        Raises:
            NotFound: no dataset has this id, or it was removed.
            Unavailable: PostgreSQL does not answer, or there are too many watchers.
        """
        if after and after > (await self._events.last_of({dataset_id})).get(dataset_id, after):
            after = 0
        with self._event_poller.subscribe(dataset_id, after=after) as subscription:
            answered, timed_out = False, True
            while True:
                try:
                    events, ended = await self._next_events(subscription, timed_out=timed_out)
                except Unavailable:
                    if not answered:
                        raise
                    # A watcher that was served before is kept waiting until PostgreSQL is back.
                    events, ended = [None], False
                answered = True
                for event in events:
                    if event is not None:
                        subscription.advance(event)
                    yield event
                if ended and not events:
                    return
                # Jitter spreads the queries of many watchers over time.
                seconds = SIGN_OF_LIFE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311  # it spreads queries, no secret
                timed_out = not ended and not await subscription.wait(seconds=seconds)

    async def _next_events(
        self, subscription: Subscription, *, timed_out: bool
    ) -> tuple[Sequence[RunEvent | None], bool]:
        """Return what to send to a watcher now, and True if the run has ended.

        After a timeout without events that is a sign of life, or, while the run is queued, its last event once more
        with the current state of the queue.
        """
        if timed_out and not subscription.is_queued:
            return [None], False
        async with self._query_slots:
            events, ended = await self._events.after(subscription.dataset_id, subscription.after)
            if events or ended or not timed_out:
                return events, ended
            latest = await self._events.latest(subscription.dataset_id)
        subscription.is_queued = latest.state == "queued"
        is_current = subscription.is_queued and latest.sequence == subscription.after
        return [latest if is_current else None], False

    async def queue_loads(self) -> dict[str, QueueLoad]:
        """Return the load of each queue that has any."""
        return await self._runs.load()

    async def redis_info(self) -> RedisInfo | None:
        """Return what Redis says of itself; None while it does not answer."""
        try:
            return await self._queue.info()
        except Unavailable:
            return None

    async def workers(self) -> Sequence[WorkerHeartbeat]:
        """Return the worker processes that gave a sign of life lately.

        Raises:
            Unavailable: Redis does not answer.
        """
        return await self._queue.workers()
