"""How much work there is in each queue, counted rarely enough for anybody to ask."""

import asyncio
import math
import time
from collections.abc import Mapping

from shared.db.runs import QueueLoad, Runs

FRESH_SECONDS = 1.0
"""How long a count is used again: KEDA asks several times for each look."""


class QueueCounts:
    """The loads of the queues, counted at most once a second."""

    def __init__(self, runs: Runs, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._runs = runs
        self._fresh_seconds = fresh_seconds
        self._lock = asyncio.Lock()
        self._loads: Mapping[str, QueueLoad] = {}
        self._counted_at = -math.inf

    async def work(self, queue: str) -> int:
        """Return how many runs of a queue wait or are executed.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        async with self._lock:
            if time.monotonic() - self._counted_at > self._fresh_seconds:
                self._loads, self._counted_at = await self._runs.load(), time.monotonic()
        load = self._loads.get(queue, QueueLoad())
        return load.ready + load.running
