"""Polling for new run events: one query serves all watchers, however many there are."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.db.events import Events, RunEvent
from shared.errors import Unavailable

MAX_WATCHERS = 400
"""Below the server's limit on concurrent calls, so that watchers leave room for other calls."""


class Subscription:
    """One watcher of a dataset's run, and the last event that it has received."""

    def __init__(self, dataset_id: UUID, *, after: int) -> None:
        self.dataset_id = dataset_id
        self.after = after
        """The sequence number of the last event received."""
        self.is_queued = True
        """True if the run waits for a worker, as far as is known."""
        self._notified = asyncio.Event()

    def advance(self, event: RunEvent) -> None:
        """Record that the watcher has received this event."""
        self.after = event.sequence
        self.is_queued = event.state == "queued"

    def notify(self) -> None:
        """Wake the watcher, because the database may have new events for it."""
        self._notified.set()

    async def wait(self, *, seconds: float) -> bool:
        """Wait for a notification; return False if none came within this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        except TimeoutError:
            return False
        self._notified.clear()
        return True


class EventPoller:
    """Notifies watchers when the database holds events that they have not received."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._subscriptions: set[Subscription] = set()

    @contextmanager
    def subscribe(self, dataset_id: UUID, *, after: int) -> Iterator[Subscription]:
        """Yield a subscription that is notified of new events while the block runs.

        Raises:
            Unavailable: there are too many watchers already.
        """
        if len(self._subscriptions) >= MAX_WATCHERS:
            raise Unavailable("Too many watch already; please try again.", reason="TOO_MANY_WATCHERS", retry_after=5)
        subscription = Subscription(dataset_id, after=after)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def poll(self) -> None:
        """Notify the watchers whose dataset has new events or was removed.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        if not self._subscriptions:
            return
        last_sequences = await self._events.last_of({subscription.dataset_id for subscription in self._subscriptions})
        for subscription in tuple(self._subscriptions):
            last = last_sequences.get(subscription.dataset_id)
            if last is None or last > subscription.after:
                subscription.notify()
