"""The heartbeats of worker processes in Redis: who is there, and what each executes.

All are fields of one hash, so that a list costs one call however many keys Redis holds. They are a view for people and
an autoscaler; who holds a run is decided by its lease in PostgreSQL.
"""

import json
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis.asyncio import Redis

HEARTBEATS_KEY = "neuralearn:workers"
SILENT_AFTER = timedelta(seconds=20)
"""A worker whose heartbeat is older is not there any more."""


@dataclass(frozen=True, kw_only=True)
class WorkerHeartbeat:
    """What a worker process says of itself."""

    name: str
    """Host, process id and a few random characters: no two processes have the same."""
    queue: str
    slots: int
    """How many runs it executes at once."""
    run_ids: tuple[str, ...]
    """The runs that it executes now."""
    metrics_port: int | None
    started_at: datetime
    heartbeat_at: datetime


async def record_heartbeat(redis: Redis, heartbeat: WorkerHeartbeat) -> None:
    """Store the heartbeat of a worker in place of its last one."""
    document = {key: _plain(value) for key, value in asdict(heartbeat).items()}
    await cast(Awaitable[int], redis.hset(HEARTBEATS_KEY, heartbeat.name, json.dumps(document)))


async def remove_heartbeat(redis: Redis, name: str) -> None:
    """Remove a worker that stops."""
    await cast(Awaitable[int], redis.hdel(HEARTBEATS_KEY, name))


async def list_heartbeats(redis: Redis) -> Sequence[WorkerHeartbeat]:
    """Return the workers that are there, by queue and age, and remove the others.

    Their age is judged by the clock of Redis, which stamped them.
    """
    silent_since = await redis_time(redis) - SILENT_AFTER
    stored = await cast(Awaitable[dict[bytes, bytes]], redis.hgetall(HEARTBEATS_KEY))
    heartbeats = [_heartbeat(text) for text in stored.values()]
    silent = [heartbeat.name for heartbeat in heartbeats if heartbeat.heartbeat_at < silent_since]
    if silent:
        await cast(Awaitable[int], redis.hdel(HEARTBEATS_KEY, *silent))
    alive = (heartbeat for heartbeat in heartbeats if heartbeat.name not in silent)
    return sorted(alive, key=lambda heartbeat: (heartbeat.queue, heartbeat.started_at, heartbeat.name))


async def redis_time(redis: Redis) -> datetime:
    """Return the time by the clock of Redis, which all processes share."""
    seconds, microseconds = await redis.time()
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _heartbeat(text: bytes) -> WorkerHeartbeat:
    document = json.loads(text)
    moments = {name: datetime.fromisoformat(document[name]) for name in ("started_at", "heartbeat_at")}
    return WorkerHeartbeat(**{**document, **moments, "run_ids": tuple(document["run_ids"])})
