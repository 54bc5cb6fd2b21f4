"""The ARQ worker that a doorbell wakes, with a heartbeat of its own."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from arq.worker import Retry as RepeatJob
from arq.worker import Worker, func
from redis.exceptions import RedisError

from shared.logs import get_logger
from shared.queue.heartbeats import WorkerHeartbeat, record_heartbeat, redis_time, remove_heartbeat
from shared.queue.run_queue import (
    CALL_SECONDS,
    EXPIRES_MS,
    JOB_FUNCTION,
    connect,
    deserialize,
    doorbell_channel,
    serialize,
)

# Workers look for due jobs among this many at the head of the queue, where the running jobs are as well.
_READ_LIMIT = 1000
_HEALTH_SECONDS = 5
_LISTEN_SECONDS = 15
_POLL_SECONDS = 60
_WORKER_RETRIES = 40

log = get_logger(__name__)


class DoorbellWorker(Worker):
    """An ARQ worker that also polls when it gets a doorbell message or a job ends, not only on a timer."""

    metrics_port: int | None = None
    """The port on which this process serves metrics, for its heartbeat."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._started_at: datetime | None = None
        self._wake_up = asyncio.Event()
        self._stopping = False
        self._slots_in_use = 0
        self._finishing: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Execute jobs until `stop()` or cancellation, then hand the running jobs back and close.

        To hand back a job, its coroutine is cancelled and waited for. Signal handlers are the task of the caller, as
        several workers may share one loop: `loop.add_signal_handler(SIGTERM, worker.stop)`.
        """
        self.loop = asyncio.get_running_loop()
        try:
            if not self._stopping:
                await self.async_run()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            await self.close()

    def stop(self) -> None:
        """Make `serve()` return once the running jobs are handed back."""
        self._stopping = True
        self.handle_sig(signal.SIGTERM)

    async def main(self) -> None:
        """Start due jobs whenever a job may have become due or a slot may have become free."""
        main_task = cast(asyncio.Task[None], asyncio.current_task())
        async with _background(self._listen()):
            # The flag is checked, too, because `wait_for` of Python 3.11 can swallow a cancellation inside a library.
            while not main_task.cancelling():
                self._wake_up.clear()
                await self._poll()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.poll_delay_s):
                        await self._wake_up.wait()

    async def close(self) -> None:
        """Cancel the running jobs, wait for them, and close the connections."""
        for task in self.tasks.values():
            # A second cancellation would interrupt the job while it hands its run back.
            if not task.cancelling():
                task.cancel()
        for outcome in await asyncio.gather(*self.tasks.values(), return_exceptions=True):
            if isinstance(outcome, Exception):
                log.warning("job not finished", error=repr(outcome))
        if self._finishing:
            await asyncio.wait(self._finishing)
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CALL_SECONDS):
                await remove_heartbeat(self.pool, self.name)
        await self.pool.aclose(close_connection_pool=True)

    async def record_health(self) -> None:
        """Store the heartbeat of this worker every few seconds."""
        if time.time() - self._last_health_check < self.health_check_interval:
            return
        self._last_health_check = time.time()
        now = await redis_time(self.pool)
        self._started_at = self._started_at or now
        heartbeat = WorkerHeartbeat(
            name=self.name,
            queue=self.queue_name,
            slots=self.max_jobs,
            run_ids=tuple(run_id for run_id, task in self.tasks.items() if not task.done()),
            metrics_port=self.metrics_port,
            started_at=self._started_at,
            heartbeat_at=now,
        )
        await record_heartbeat(self.pool, heartbeat)

    async def _poll(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._poll_iteration()
        except (RedisError, OSError) as error:
            log.warning("poll failed", queue=self.queue_name, error=repr(error))

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as error:
                log.warning("doorbell subscription failed", queue=self.queue_name, error=repr(error))
                await asyncio.sleep(self.poll_delay_s)

    async def _listen_once(self) -> None:
        async with self.pool.pubsub() as pubsub:
            await pubsub.subscribe(doorbell_channel(self.queue_name))
            while True:
                if await pubsub.get_message(timeout=_LISTEN_SECONDS) is not None:
                    self._wake_up.set()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Start the jobs that no worker has started yet, while slots are free."""
        # A job whose lock expired while Redis was down is due again, although it still runs here.
        running = {job_id.encode() for job_id, task in self.tasks.items() if not task.done()}
        try:
            await super().start_jobs([job_id for job_id in job_ids if job_id not in running])
        except BaseException:
            # ARQ, which would crash here, does not release the slot of the job it was about to start.
            if self.job_counter > self._slots_in_use:
                super()._release_sem_dec_counter_on_complete()
            raise

    async def finish_job(self, *args: Any) -> None:
        """Record in Redis how a job ended; a cancellation of the job's own task does not interrupt this."""
        finishing = cast(asyncio.Task[None], asyncio.current_task())
        self._finishing.add(finishing)
        try:
            await super().finish_job(*args)
        finally:
            self._finishing.discard(finishing)

    def run_job(self, job_id: str, score: int) -> Coroutine[Any, Any, None]:
        """Execute one job; its slot is taken from this call on."""
        self._slots_in_use += 1
        return super().run_job(job_id, score)

    def _release_sem_dec_counter_on_complete(self) -> None:
        super()._release_sem_dec_counter_on_complete()
        self._slots_in_use -= 1
        self._wake_up.set()


def build_worker(
    *,
    queue: str,
    redis_url: str,
    run: Callable[[UUID], Awaitable[bool]],
    slots: int,
    job_timeout: float,
    lease_seconds: float,
) -> DoorbellWorker:
    """Return a worker that calls `run` for each due run of one queue; to be called inside the event loop.

    Args:
        queue: name of the queue.
        redis_url: address of Redis.
        run: executes the run with this id. If it returns True, it is called once more, by any free worker. Otherwise,
            and after any exception, the job is done: only PostgreSQL makes the run due again.
        slots: number of runs that are executed at once.
        job_timeout: seconds after which `run` is cancelled, in case its own deadline failed.
        lease_seconds: `run` must call `RunQueue.renew` more often than this, or another worker starts the run.
    """
    worker = DoorbellWorker(
        [func(_as_job(run), name=JOB_FUNCTION, max_tries=2**31)],
        queue_name=queue,
        redis_pool=connect(redis_url, retries=_WORKER_RETRIES),
        handle_signals=False,
        max_jobs=slots,
        job_timeout=job_timeout,
        keep_result=0,
        queue_read_limit=_READ_LIMIT,
        health_check_interval=_HEALTH_SECONDS,
        job_serializer=serialize,
        job_deserializer=deserialize,
        expires_extra_ms=EXPIRES_MS,
    )
    worker.in_progress_timeout_s = lease_seconds
    return worker


def _as_job(run: Callable[[UUID], Awaitable[bool]]) -> Callable[..., Any]:
    """Wrap `run` as an ARQ function that raises nothing but `Retry` and the cancellation by its worker."""

    async def execute_run(context: dict[str, Any], run_id: str) -> None:
        try:
            is_repeated = await run(UUID(run_id))
        except Exception:
            log.exception("run raised", run_id=run_id)
            return
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # ARQ would treat it as a shutdown and start the job again at once.
            log.exception("run raised", run_id=run_id)
            return
        if is_repeated:
            raise RepeatJob

    return execute_run


@contextlib.asynccontextmanager
async def _background(coroutine: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
