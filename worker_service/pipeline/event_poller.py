"""Looking out for news of runs on behalf of all who watch, with one query however many they are."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.errors import Unavailable

MOST_WATCHERS = 400
"""Fewer than the calls a server carries at once, so that watchers leave room for others."""


class Subscription:
    """One who watches a dataset's run, and knows its events up to one of them."""

    def __init__(self, dataset_id: UUID, *, after: int) -> None:
        self.dataset_id = dataset_id
        self.after = after
        self.waits = True
        """Whether the run waits for a worker, as far as is known."""
        self._news = asyncio.Event()

    def advance(self, event: RunEvent) -> None:
        """Know one more event."""
        self.after = event.sequence
        self.waits = event.state == "queued"

    def notify(self) -> None:
        """There is something to look at."""
        self._news.set()

    async def wait(self, *, seconds: float) -> bool:
        """Until there is something to look at; False where there has been nothing for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class EventPoller:
    """Compares what watchers know with what the database does."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._watchers: set[Subscription] = set()

    @contextmanager
    def watching(self, dataset_id: UUID, *, after: int) -> Iterator[Subscription]:
        """Be told of news while the block runs.

        Raises:
            Unavailable: too many do already.
        """
        if len(self._watchers) >= MOST_WATCHERS:
            raise Unavailable("Too many watch already; please try again.", reason="TOO_MANY_WATCHERS", retry_after=5)
        watcher = Subscription(dataset_id, after=after)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def look(self) -> None:
        """Tell those whose dataset has events that they do not know, or is gone.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        if not self._watchers:
            return
        last = await self._events.last_of({watcher.dataset_id for watcher in self._watchers})
        for watcher in tuple(self._watchers):
            if watcher.dataset_id not in last or last[watcher.dataset_id] > watcher.after:
                watcher.notify()
