"""The loop that compares queues and workers, and starts or stops some."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from deploy.autoscaler.policy import ScalingPolicy, ScalingState, next_state
from deploy.autoscaler.worker_pool import WorkerPool
from shared.db.runs import QueueLoad, Runs
from shared.errors import Unavailable
from shared.logs import get_logger
from shared.queue import RunQueue, WorkerHeartbeat

_log = get_logger("autoscaler")


class Autoscaler:
    """Keeps the number of workers of each queue between its bounds, by the length of the queue."""

    def __init__(
        self,
        *,
        runs: Runs,
        queue: RunQueue,
        pools: Iterable[WorkerPool],
        policies: Mapping[str, ScalingPolicy],
        interval: float,
    ) -> None:
        """Create an autoscaler.

        Args:
            runs: the database, which counts the waiting runs.
            queue: Redis, which knows what each worker executes.
            pools: the workers of each queue.
            policies: for each queue, when workers are started and stopped.
            interval: seconds between two looks.
        """
        self._runs = runs
        self._queue = queue
        self._pools = {pool.queue: pool for pool in pools}
        self._policies = policies
        self._interval = interval
        self._states = {name: ScalingState(workers=0, changed_at=float("-inf")) for name in self._pools}

    async def run(self) -> None:
        """Scale until SIGTERM or SIGINT, then stop all workers."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        try:
            while not stopping.is_set():
                await self.look()
                try:
                    await asyncio.wait_for(stopping.wait(), self._interval)
                except TimeoutError:
                    continue
        finally:
            # In this thread, with which the kernel would end them.
            for pool in self._pools.values():
                pool.close()

    async def look(self) -> None:
        """Compare each queue with its workers once, and start or stop some."""
        for pool in self._pools.values():
            pool.replace_dead()
        try:
            loads = await self._runs.load()
        except Unavailable as error:
            # Without knowledge nothing is stopped; the fewest workers run all the same.
            _log.warning("queues not counted", reason=error.reason)
            self._start_fewest()
            return
        busy = await self._busy()
        for name, pool in self._pools.items():
            self._scale(pool, loads.get(name, QueueLoad()), busy)

    def _start_fewest(self) -> None:
        for name, pool in self._pools.items():
            pool.start(max(0, self._policies[name].minimum - pool.size))

    async def _busy(self) -> frozenset[int] | None:
        """Return the process ids of workers of this machine that execute runs; None where that is not known."""
        try:
            heartbeats = await self._queue.workers()
        except Unavailable:
            return None
        return frozenset(_process_id(beat) for beat in heartbeats if beat.run_ids and _is_local(beat))

    def _scale(self, pool: WorkerPool, load: QueueLoad, busy: frozenset[int] | None) -> None:
        now = time.monotonic()
        state = replace(self._states[pool.queue], workers=pool.size)
        state = self._states[pool.queue] = next_state(self._policies[pool.queue], state, load, now)
        before = pool.size
        if state.workers > before:
            pool.start(state.workers - before)
        elif state.workers < before and busy is not None:
            pool.stop(before - state.workers, busy=busy)
        if pool.size != before:
            _log.info("workers scaled", queue=pool.queue, before=before, workers=pool.size, waiting=load.ready)


def _is_local(heartbeat: WorkerHeartbeat) -> bool:
    return heartbeat.name.rsplit(":", 2)[0] == socket.gethostname()


def _process_id(heartbeat: WorkerHeartbeat) -> int:
    return int(heartbeat.name.rsplit(":", 2)[1])
