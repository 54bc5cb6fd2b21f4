"""The queue of due runs, over ARQ and Redis. It may lose jobs, as PostgreSQL is the source of truth.

A run's job has the run's id as its job id and its only argument. Beside ARQ's sorted set, every queue has a pub/sub
channel, the doorbell, that wakes idle workers at once; a poll each half second finds jobs whose message was missed.
"""

import asyncio
import contextlib
import functools
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgpack
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, in_progress_key_prefix, job_key_prefix, result_key_prefix, retry_key_prefix
from arq.worker import Retry as RepeatJob
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import Unavailable
from shared.logs import get_logger

FAST_QUEUE = "eda_fast"
DEEP_QUEUE = "eda_deep"
QUEUES = (FAST_QUEUE, DEEP_QUEUE)

_JOB_FUNCTION = "execute_run"
# ARQ orders jobs by the time to which they are deferred, and starts only those whose time is past, so that the turn of
# a run is moved into the past to serve as its priority.
_PRIORITY_OFFSET = timedelta(days=3650)
_EXPIRES_MS = 30 * 24 * 3600 * 1000
# Workers look for due jobs among this many at the head of the queue, where the running jobs are as well.
_READ_LIMIT = 1000
_HEALTH_SECONDS = 5
_LISTEN_SECONDS = 15
_CALL_SECONDS = 5
_POLL_SECONDS = 60
_CALLER_RETRIES = 5
_WORKER_RETRIES = 40

_serialize = functools.partial(msgpack.packb, default=repr)
_deserialize = functools.partial(msgpack.unpackb, raw=False)

log = get_logger(__name__)


class RunQueue:
    """The queues of due runs in Redis.

    Every method raises `Unavailable` (reason QUEUE_UNAVAILABLE) when Redis does not answer.
    """

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def enqueue(self, queue: str, run_id: UUID, *, turn_at: datetime | None = None) -> bool:
        """Queue a job for the run and wake a worker; False if the run has a job already.

        Waiting runs are started in order of `turn_at` (default: now).
        """
        deferred_until = (turn_at or datetime.now(UTC)) - _PRIORITY_OFFSET
        async with _redis_errors():
            job = await self._redis.enqueue_job(
                _JOB_FUNCTION,
                str(run_id),
                _job_id=str(run_id),
                _queue_name=queue,
                _defer_until=deferred_until,
                _expires=timedelta(milliseconds=_EXPIRES_MS),
            )
            if job is None:
                return False
            await self._redis.publish(_doorbell_channel(queue), b"")
            return True

    async def known(self, run_ids: Iterable[UUID]) -> set[UUID]:
        """Return the runs that have a complete job, waiting or running, in one round trip.

        A job is complete if it has both a body and a score in the sorted set of its queue.
        """
        requested = list(run_ids)
        if not requested:
            return set()
        members = [str(run_id) for run_id in requested]
        async with _redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.zmscore(queue, members)
            pipe.mget([f"{job_key_prefix}{member}" for member in members])
            *scores_by_queue, bodies = await pipe.execute()
        are_queued = [any(score is not None for score in scores) for scores in zip(*scores_by_queue, strict=True)]
        return {
            run_id
            for run_id, is_queued, body in zip(requested, are_queued, bodies, strict=True)
            if is_queued and body is not None
        }

    async def renew(self, run_id: UUID, *, ttl_seconds: float) -> None:
        """Extend the lock of a running job, so that no other worker starts it for `ttl_seconds` more."""
        async with _redis_errors():
            await self._redis.pexpire(f"{in_progress_key_prefix}{run_id}", int(ttl_seconds * 1000))

    async def forget(self, run_id: UUID) -> None:
        """Remove the run's job; a worker that is executing it goes on."""
        prefixes = (job_key_prefix, in_progress_key_prefix, retry_key_prefix, result_key_prefix)
        async with _redis_errors(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*(f"{prefix}{run_id}" for prefix in prefixes))
            for sorted_set in (*QUEUES, abort_jobs_ss):
                pipe.zrem(sorted_set, str(run_id))
            await pipe.execute()

    async def ping(self) -> None:
        """Return if Redis answers."""
        async with _redis_errors():
            await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


async def connect_queue(redis_url: str) -> RunQueue:
    """Return the queue at a `redis://`, `rediss://` or `unix://` address; if Redis is down, only log it."""
    queue = RunQueue(_connect(redis_url, retries=_CALLER_RETRIES))
    try:
        await queue.ping()
    except Unavailable as error:
        log.warning("redis unavailable", error=str(error.__cause__))
    return queue


class DoorbellWorker(Worker):
    """An ARQ worker that also polls when it gets a doorbell message or a job ends, not only on a timer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        await self.pool.aclose(close_connection_pool=True)

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
            await pubsub.subscribe(_doorbell_channel(self.queue_name))
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
        [func(_as_job(run), name=_JOB_FUNCTION, max_tries=2**31)],
        queue_name=queue,
        redis_pool=_connect(redis_url, retries=_WORKER_RETRIES),
        handle_signals=False,
        max_jobs=slots,
        job_timeout=job_timeout,
        keep_result=0,
        queue_read_limit=_READ_LIMIT,
        health_check_interval=_HEALTH_SECONDS,
        health_check_key=f"{queue}:worker:{socket.gethostname()}:{os.getpid()}:{uuid4().hex}",
        job_serializer=_serialize,
        job_deserializer=_deserialize,
        expires_extra_ms=_EXPIRES_MS,
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


def _connect(redis_url: str, *, retries: int) -> ArqRedis:
    pool = ConnectionPool.from_url(
        redis_url,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries),
        # Without the builtin OSError, a refused connection is not retried.
        # There is no socket_timeout, because with it the cancellation of a call is sometimes lost on Python 3.11.
        retry_on_error=[OSError, RedisConnectionError, RedisTimeoutError],
        socket_connect_timeout=2,
        **_connection_options(urlsplit(redis_url).scheme),
    )
    return ArqRedis(pool, job_serializer=_serialize, job_deserializer=_deserialize, expires_extra_ms=_EXPIRES_MS)


def _connection_options(scheme: str) -> dict[str, bool]:
    return {
        "unix": {},
        "redis": {"socket_keepalive": True},
        "rediss": {"socket_keepalive": True, "ssl_check_hostname": True},
    }[scheme]


def _doorbell_channel(queue: str) -> str:
    return f"{queue}:doorbell"


@contextlib.asynccontextmanager
async def _redis_errors() -> AsyncIterator[None]:
    """Limit the duration of calls to Redis, and translate their failure."""
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            yield
    except (RedisError, OSError) as error:
        raise Unavailable("The queue does not answer.", reason="QUEUE_UNAVAILABLE", retry_after=5) from error


@contextlib.asynccontextmanager
async def _background(coroutine: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
