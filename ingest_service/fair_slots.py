"""Slots for expensive work that owners share fairly: who holds few is served before who holds many."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairSlots:
    """A number of slots; of the waiting owners, the one that holds the fewest gets the next, the longest waiting first.

    An owner may hold all slots while nobody else waits.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._held: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def hold(self, owner: str, *, wait_seconds: float) -> AsyncIterator[None]:
        """Hold a slot for an owner.

        Raises:
            TimeoutError: no slot became free in time.
        """
        await self._acquire(owner, wait_seconds)
        try:
            yield
        finally:
            self._held[owner] -= 1
            if not self._held[owner]:
                del self._held[owner]
            self._free += 1
            self._grant()

    async def _acquire(self, owner: str, wait_seconds: float) -> None:
        entry = (owner, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._grant()
        try:
            async with asyncio.timeout(wait_seconds):
                await entry[1]
        except BaseException:
            if entry in self._waiting:
                self._waiting.remove(entry)
            elif entry[1].done() and not entry[1].cancelled():
                # The slot was granted in the moment in which the waiting ended.
                self._held[owner] -= 1
                self._free += 1
                self._grant()
            raise

    def _grant(self) -> None:
        """Give the free slots to those who wait."""
        while self._free and self._waiting:
            chosen = min(self._waiting, key=lambda entry: self._held[entry[0]])
            self._waiting.remove(chosen)
            owner, granted = chosen
            if not granted.done():
                self._free -= 1
                self._held[owner] += 1
                granted.set_result(None)
