"""Single flight: concurrent requests for the same key share a single computation."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Call(Generic[T]):
    task: asyncio.Task[T]
    waiters: int = 0


class SingleFlight(Generic[T]):
    """The computations in progress, by key."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call[T]] = {}

    async def join(self, key: str, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the computation in progress for this key, or start one.

        If a caller is cancelled, the others go on; the computation is cancelled when no caller is left.
        """
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call(asyncio.create_task(start()))
        call.waiters += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
            if not call.waiters or call.task.done():
                self._end(key, call)

    def _end(self, key: str, call: _Call[T]) -> None:
        call.task.cancel()
        if self._calls.get(key) is call:
            del self._calls[key]
