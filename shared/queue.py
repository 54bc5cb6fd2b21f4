"""Tells workers that a run is due, over ARQ: fast, and free to forget everything, because Postgres is the truth.

A run's job has the run's id as its job id and its only argument. Beside ARQ's sorted set, every queue has a pub/sub
channel, the doorbell, that wakes idle workers at once; a poll each half second finds what a missed ring left behind.
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
from arq.worker import Retry as DeliverAgain
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

_FUNCTION = "execute_run"
# ARQ orders jobs by the time to which they are deferred, and begins only those whose time is past.
_HEAD_START = timedelta(days=3650)
_EXPIRES_MS = 30 * 24 * 3600 * 1000
# Workers look for due jobs among this many at the head of the queue, where the running ones are too.
_READ_LIMIT = 1000
_HEALTH_SECONDS = 5
_LISTEN_SECONDS = 15
_ANSWER_SECONDS = 5
_POLL_SECONDS = 60
_CALLER_RETRIES = 5
_WORKER_RETRIES = 40

_serialize = functools.partial(msgpack.packb, default=repr)
_deserialize = functools.partial(msgpack.unpackb, raw=False)

log = get_logger(__name__)


class RunQueue:
    """Rings for runs and looks at the queues. Every method raises Unavailable when Redis does not answer."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def enqueue(self, queue: str, run_id: UUID, *, turn_at: datetime | None = None) -> bool:
        """Have a worker take up the run now; False when its job is known already.

        Of the runs that wait, those with the earliest `turn_at` (default: now) are taken up first.
        """
        place = (turn_at or datetime.now(UTC)) - _HEAD_START
        async with _answering():
            job = await self._redis.enqueue_job(
                _FUNCTION,
                str(run_id),
                _job_id=str(run_id),
                _queue_name=queue,
                _defer_until=place,
                _expires=timedelta(milliseconds=_EXPIRES_MS),
            )
            if job is None:
                return False
            await self._redis.publish(_doorbell(queue), b"")
            return True

    async def known(self, run_ids: Iterable[UUID]) -> set[UUID]:
        """Those of the runs that have a whole job, waiting or running: a body and a place. One round trip."""
        asked = list(run_ids)
        if not asked:
            return set()
        members = [str(run_id) for run_id in asked]
        async with _answering(), self._redis.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.zmscore(queue, members)
            pipe.mget([f"{job_key_prefix}{member}" for member in members])
            *places, bodies = await pipe.execute()
        queued = [any(place is not None for place in to_run_options) for to_run_options in zip(*places, strict=True)]
        return {run for run, place, body in zip(asked, queued, bodies, strict=True) if place and body is not None}

    async def renew(self, run_id: UUID, *, ttl_seconds: float) -> None:
        """The heartbeat: keep other workers from taking up the running run for this many seconds more."""
        async with _answering():
            await self._redis.pexpire(f"{in_progress_key_prefix}{run_id}", int(ttl_seconds * 1000))

    async def forget(self, run_id: UUID) -> None:
        """Remove the run's job; a worker that is executing it is not disturbed."""
        prefixes = (job_key_prefix, in_progress_key_prefix, retry_key_prefix, result_key_prefix)
        async with _answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*(f"{prefix}{run_id}" for prefix in prefixes))
            for sorted_set in (*QUEUES, abort_jobs_ss):
                pipe.zrem(sorted_set, str(run_id))
            await pipe.execute()

    async def ping(self) -> None:
        """Return if Redis answers."""
        async with _answering():
            await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


async def connect_queue(redis_url: str) -> RunQueue:
    """The queue at a `redis://`, `rediss://` or `unix://` address; one that is down is logged and tried again later."""
    queue = RunQueue(_redis(redis_url, retries=_CALLER_RETRIES))
    try:
        await queue.ping()
    except Unavailable as error:
        log.warning("Redis does not answer", error=str(error.__cause__))
    return queue


class DoorbellWorker(Worker):
    """An ARQ worker that looks for work when the doorbell rings or a job ends, not only each poll delay."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bell = asyncio.Event()
        self._stopping = False
        self._live_jobs = 0
        self._finishing: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Work until `stop()` or cancellation, then hand the running jobs back and close.

        Handing back: each job's coroutine gets CancelledError and is waited for. Signals are left to the caller, as
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
        """Let `serve()` return once the running jobs are handed back."""
        self._stopping = True
        self.handle_sig(signal.SIGTERM)

    async def main(self) -> None:
        """Start due jobs whenever something may have become due or a slot free."""
        main_task = cast(asyncio.Task[None], asyncio.current_task())
        async with _background(self._listen()):
            # Asked for too, because Python 3.11's `wait_for` can swallow a cancellation inside a library.
            while not main_task.cancelling():
                self._bell.clear()
                await self._look_for_work()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.poll_delay_s):
                        await self._bell.wait()

    async def close(self) -> None:
        """Cancel what is running, wait for it, and close the connections."""
        for task in self.tasks.values():
            # A second cancellation would interrupt the handing back.
            if not task.cancelling():
                task.cancel()
        for outcome in await asyncio.gather(*self.tasks.values(), return_exceptions=True):
            if isinstance(outcome, Exception):
                log.warning("job_not_finished", error=repr(outcome))
        if self._finishing:
            await asyncio.wait(self._finishing)
        await self.pool.aclose(close_connection_pool=True)

    async def _look_for_work(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._poll_iteration()
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer; no run is taken up", queue=self.queue_name, error=repr(error))

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError) as error:
                log.warning("Redis does not answer; nobody can ring", queue=self.queue_name, error=repr(error))
                await asyncio.sleep(self.poll_delay_s)

    async def _hear(self) -> None:
        async with self.pool.pubsub() as pubsub:
            await pubsub.subscribe(_doorbell(self.queue_name))
            while True:
                if await pubsub.get_message(timeout=_LISTEN_SECONDS) is not None:
                    self._bell.set()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Start those of the jobs that nobody else has started, while slots are free."""
        # A job whose lease ran out while Redis was away is due again, though it still runs here.
        running = {job_id.encode() for job_id, task in self.tasks.items() if not task.done()}
        try:
            await super().start_jobs([job_id for job_id in job_ids if job_id not in running])
        except BaseException:
            # ARQ, which would crash here, keeps the slot of the job it was about to start.
            if self.job_counter > self._live_jobs:
                super()._release_sem_dec_counter_on_complete()
            raise

    async def finish_job(self, *args: Any) -> None:
        """Tell Redis how a job ended; goes on when the job's own task is cancelled meanwhile."""
        finishing = cast(asyncio.Task[None], asyncio.current_task())
        self._finishing.add(finishing)
        try:
            await super().finish_job(*args)
        finally:
            self._finishing.discard(finishing)

    def run_job(self, job_id: str, score: int) -> Coroutine[Any, Any, None]:
        """Execute one job; its slot is taken from this call on."""
        self._live_jobs += 1
        return super().run_job(job_id, score)

    def _release_sem_dec_counter_on_complete(self) -> None:
        super()._release_sem_dec_counter_on_complete()
        self._live_jobs -= 1
        self._bell.set()


def build_worker(
    *,
    queue: str,
    redis_url: str,
    run: Callable[[UUID], Awaitable[bool]],
    slots: int,
    job_timeout: float,
    lease_seconds: float,
) -> DoorbellWorker:
    """A worker that calls `run` for each due run of one queue, up to `slots` at once; built inside the event loop.

    When `run` returns True it is called once more, by whichever worker is free. Otherwise, and whatever it raises, its
    job is done: only Postgres makes it due again. `run` must call `RunQueue.renew` more often than each
    `lease_seconds`, or another worker takes the run up. `job_timeout` (seconds) cancels a `run` that has lost its own
    deadline.
    """
    worker = DoorbellWorker(
        [func(_as_job(run), name=_FUNCTION, max_tries=2**31)],
        queue_name=queue,
        redis_pool=_redis(redis_url, retries=_WORKER_RETRIES),
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
    """`run` as an ARQ function that ends well, or cancelled by its worker."""

    async def execute_run(context: dict[str, Any], run_id: str) -> None:
        try:
            again = await run(UUID(run_id))
        except Exception:
            log.exception("run_raised", run_id=run_id)
            return
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # ARQ would take it for a shutdown and start the job again at once.
            log.exception("run_raised", run_id=run_id)
            return
        if again:
            raise DeliverAgain

    return execute_run


def _redis(redis_url: str, *, retries: int) -> ArqRedis:
    pool = ConnectionPool.from_url(
        redis_url,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries),
        # Without the builtin OSError a refused connection escapes the retries.
        # No socket_timeout: with it, cancelling a call on Python 3.11 sometimes does nothing.
        retry_on_error=[OSError, RedisConnectionError, RedisTimeoutError],
        socket_connect_timeout=2,
        **_transport_options(urlsplit(redis_url).scheme),
    )
    return ArqRedis(pool, job_serializer=_serialize, job_deserializer=_deserialize, expires_extra_ms=_EXPIRES_MS)


def _transport_options(scheme: str) -> dict[str, bool]:
    return {
        "unix": {},
        "redis": {"socket_keepalive": True},
        "rediss": {"socket_keepalive": True, "ssl_check_hostname": True},
    }[scheme]


def _doorbell(queue: str) -> str:
    return f"{queue}:doorbell"


@contextlib.asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """Bounds a conversation with Redis, and translates its failure."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
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
