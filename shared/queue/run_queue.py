"""The queue of due runs, over ARQ and Redis. It may lose jobs, as PostgreSQL is the source of truth.

A run's job has the run's id as its job id and its only argument. Beside ARQ's sorted set, every queue has a pub/sub
channel, the doorbell, that wakes idle workers at once; a poll each half second finds jobs whose message was missed.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgpack
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, in_progress_key_prefix, job_key_prefix, result_key_prefix, retry_key_prefix
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.contracts.vocabulary import Mode
from shared.errors import Unavailable
from shared.logs import get_logger
from shared.queue.heartbeats import WorkerHeartbeat, list_heartbeats

FAST_QUEUE = "eda_fast"
DEEP_QUEUE = "eda_deep"
QUEUES = (FAST_QUEUE, DEEP_QUEUE)

JOB_FUNCTION = "execute_run"
# ARQ orders jobs by the time to which they are deferred, and starts only those whose time is past, so that the turn of
# a run is moved into the past to serve as its priority.
_PRIORITY_OFFSET = timedelta(days=3650)
EXPIRES_MS = 30 * 24 * 3600 * 1000
CALL_SECONDS = 5
LOOK_SECONDS = 1
"""Limit of calls that only look: who asks wants to know soon that there is no answer."""
_CALLER_RETRIES = 5

serialize = functools.partial(msgpack.packb, default=repr)
deserialize = functools.partial(msgpack.unpackb, raw=False)

log = get_logger(__name__)


def queue_of(mode: Mode) -> str:
    """Return the queue that a preparation in a mode waits in."""
    return DEEP_QUEUE if mode == "deep" else FAST_QUEUE


@dataclass(frozen=True)
class RedisInfo:
    """What Redis says of itself."""

    version: str
    used_memory_bytes: int
    max_memory_bytes: int
    """0 for no limit."""
    clients: int
    hit_rate: float | None
    """The share of look-ups that found a key; None before the first."""


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
                JOB_FUNCTION,
                str(run_id),
                _job_id=str(run_id),
                _queue_name=queue,
                _defer_until=deferred_until,
                _expires=timedelta(milliseconds=EXPIRES_MS),
            )
            if job is None:
                return False
            await self._redis.publish(doorbell_channel(queue), b"")
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

    async def workers(self) -> Sequence[WorkerHeartbeat]:
        """Return the workers that gave a sign of life lately."""
        async with _redis_errors(LOOK_SECONDS):
            return await list_heartbeats(self._redis)

    async def info(self) -> RedisInfo:
        """Return what Redis says of itself."""
        async with _redis_errors(LOOK_SECONDS):
            info = await self._redis.info()
        hits, misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
        return RedisInfo(
            version=str(info["redis_version"]),
            used_memory_bytes=int(info["used_memory"]),
            max_memory_bytes=int(info.get("maxmemory", 0)),
            clients=int(info["connected_clients"]),
            hit_rate=hits / (hits + misses) if hits + misses else None,
        )

    async def ping(self) -> None:
        """Return if Redis answers."""
        async with _redis_errors():
            await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


async def connect_queue(redis_url: str) -> RunQueue:
    """Return the queue at a `redis://`, `rediss://` or `unix://` address; if Redis is down, only log it."""
    queue = RunQueue(connect(redis_url, retries=_CALLER_RETRIES))
    try:
        await queue.ping()
    except Unavailable as error:
        log.warning("redis unavailable", error=str(error.__cause__))
    return queue


def connect(redis_url: str, *, retries: int) -> ArqRedis:
    """Return a client of Redis; nothing is connected before the first call."""
    pool = ConnectionPool.from_url(
        redis_url,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries),
        # Without the builtin OSError, a refused connection is not retried.
        # There is no socket_timeout, because with it the cancellation of a call is sometimes lost on Python 3.11.
        retry_on_error=[OSError, RedisConnectionError, RedisTimeoutError],
        socket_connect_timeout=2,
        **_connection_options(urlsplit(redis_url).scheme),
    )
    return ArqRedis(pool, job_serializer=serialize, job_deserializer=deserialize, expires_extra_ms=EXPIRES_MS)


def _connection_options(scheme: str) -> dict[str, bool]:
    return {
        "unix": {},
        "redis": {"socket_keepalive": True},
        "rediss": {"socket_keepalive": True, "ssl_check_hostname": True},
    }[scheme]


def doorbell_channel(queue: str) -> str:
    """Return the name of the channel on which idle workers of a queue listen."""
    return f"{queue}:doorbell"


@contextlib.asynccontextmanager
async def _redis_errors(seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """Limit the duration of calls to Redis, and translate their failure."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError) as error:
        raise Unavailable("The queue does not answer.", reason="QUEUE_UNAVAILABLE", retry_after=5) from error
