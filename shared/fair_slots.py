"""Slots for expensive work that owners share fairly: who holds few is served before who holds many."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.errors import Unavailable

RETRY_SECONDS = 2.0


class FairSlots:
    """A number of slots. The waiting owner with the fewest gets the next; of several, who has waited longest."""

    def __init__(self, size: int, *, work: str, wait_seconds: float, per_owner: int | None = None) -> None:
        """Set the limits.

        Args:
            size: the number of slots.
            work: what they are for, in the plural and with its verb, such as "uploads are under way".
            wait_seconds: how long an owner waits for a slot.
            per_owner: the most slots that an owner may hold; all, while nobody else waits, if None.
        """
        self._free = size
        self._work = work
        self._wait_seconds = wait_seconds
        self._per_owner = size if per_owner is None else per_owner
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def hold(self, owner: str) -> AsyncIterator[None]:
        """Hold a slot for an owner.

        Raises:
            Unavailable: no slot became free in time.
        """
        try:
            await self._acquire(owner)
        except TimeoutError:
            raise Unavailable(
                f"Too many {self._work}; please try again.", reason="TOO_MANY_UPLOADS", retry_after=RETRY_SECONDS
            ) from None
        try:
            yield
        finally:
            self._release(owner)

    async def _acquire(self, owner: str) -> None:
        entry = (owner, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._grant()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await entry[1]
        except BaseException:
            if entry in self._waiting:
                self._waiting.remove(entry)
            elif entry[1].done() and not entry[1].cancelled():
                # The slot was granted in the moment in which the waiting ended.
                self._release(owner)
            raise

    def _release(self, owner: str) -> None:
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._free += 1
        self._grant()

    def _grant(self) -> None:
        """Give the free slots to those who wait."""
        while self._free:
            entitled = [entry for entry in self._waiting if self._held[entry[0]] < self._per_owner]
            if not entitled:
                return
            chosen = min(entitled, key=lambda entry: self._held[entry[0]])
            self._waiting.remove(chosen)
            owner, granted = chosen
            if not granted.done():
                self._free -= 1
                self._held[owner] += 1
                granted.set_result(None)
