"""Workers are listed while they give signs of life."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.queue import FAST_QUEUE, RunQueue
from shared.queue.heartbeats import HEARTBEATS_KEY, SILENT_AFTER, redis_time
from tests.integration.test_queue import RecordedRuns, running_worker, wait_until


@pytest.fixture(autouse=True)
async def empty_queue(redis_url: str) -> None:
    """Remove the runs that other tests left in the queue, which would hold the slots."""
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()


async def test_a_worker_is_listed_with_its_runs_until_it_stops(redis_url: str, queue: RunQueue) -> None:
    runs, run_id = RecordedRuns(hold=True), uuid4()
    async with running_worker(redis_url, runs, slots=3) as worker:
        worker.health_check_interval = 0
        worker.metrics_port = 9100
        await queue.enqueue(FAST_QUEUE, run_id)

        async def is_listed() -> bool:
            return any(beat.name == worker.name and str(run_id) in beat.run_ids for beat in await queue.workers())

        await wait_until(is_listed)
        (heartbeat,) = [beat for beat in await queue.workers() if beat.name == worker.name]
        assert (heartbeat.queue, heartbeat.slots, heartbeat.metrics_port) == (FAST_QUEUE, 3, 9100)
        assert heartbeat.started_at <= heartbeat.heartbeat_at
        runs.release.set()
    assert worker.name not in [beat.name for beat in await queue.workers()]


async def test_who_is_silent_is_removed(redis_url: str, queue: RunQueue) -> None:
    async with running_worker(redis_url, RecordedRuns()) as worker, Redis.from_url(redis_url) as redis:
        dead = "host:1:dead"
        silent_since = await redis_time(redis) - SILENT_AFTER - timedelta(seconds=1)
        own = json.loads((await redis.hgetall(HEARTBEATS_KEY))[worker.name.encode()])
        await redis.hset(HEARTBEATS_KEY, dead, json.dumps({**own, "name": dead, "heartbeat_at": str(silent_since)}))
        assert [beat.name for beat in await queue.workers()].count(worker.name) == 1
        assert await redis.hget(HEARTBEATS_KEY, dead) is None


async def test_a_worker_comes_back_after_redis_lost_everything(redis_url: str, queue: RunQueue) -> None:
    async with running_worker(redis_url, RecordedRuns()) as worker, Redis.from_url(redis_url) as redis:
        worker.health_check_interval = 0
        await redis.delete(HEARTBEATS_KEY)

        async def is_listed() -> bool:
            return worker.name in [beat.name for beat in await queue.workers()]

        await asyncio.wait_for(wait_until(is_listed), 10)


async def test_redis_says_how_it_is(queue: RunQueue) -> None:
    info = await queue.info()
    assert info.version
    assert info.used_memory_bytes > 0
    assert info.clients > 0
