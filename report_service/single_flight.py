"""Work that several callers want at once is done once."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class SingleFlight(Generic[T]):
    """Pieces of work under way, by key."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Flight[T]] = {}

    async def join(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the work under way for this key, or of `work`, started now.

        A caller who is cancelled leaves; the work is cancelled when nobody is left.
        """
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = _Flight(asyncio.create_task(work()))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters or flight.task.done():
                self._end(key, flight)

    def _end(self, key: str, flight: _Flight[T]) -> None:
        flight.task.cancel()
        if self._under_way.get(key) is flight:
            del self._under_way[key]
