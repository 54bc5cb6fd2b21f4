"""Servers that are down and bad networks: uploads are accepted or refused with 503, and all accepted ones end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.faults.conftest import Measurements
from tests.faults.proxy import Fault
from tests.faults.tables import large, small
from tests.faults.world import Accepted, World

FAULTS: Sequence[Fault] = ("drop", "reset", "delay", "throttle", "swallow")
FAULT_SECONDS = 2


async def test_redis_down(world: World) -> None:
    """Uploads are accepted nevertheless, and prepared when Redis is up again."""
    before = world.pids()
    running = await world.upload(large(1))
    await world.wait_for_state(running, "running")
    world.valkey.kill()
    waiting = [await world.upload(small(seed), patience=5) for seed in range(3)]
    await asyncio.sleep(4)
    assert (await world.run(waiting[0]))["state"] == "queued"
    assert (await world.get("/queues"))["redis"] is None, "the load of the queues is known without Redis"
    workers = await world.client.get("/workers")
    assert (workers.status_code, workers.json()["reason"]) == (503, "QUEUE_UNAVAILABLE")
    world.valkey.start()
    await world.wait_until_ended([running, *waiting], patience=30)
    await world.check([running, *waiting])
    assert world.pids() == before, "somebody had to be started again"


async def test_redis_wiped(world: World, measurements: Measurements) -> None:
    """The lost jobs are queued again within 15 seconds, without a restart of any process."""
    before = world.pids()
    accepted = [await world.upload(large(seed)) for seed in range(4)]
    accepted += [await world.upload(small(seed)) for seed in range(4)]
    redis = world.redis()
    await redis.flushall()
    await redis.aclose()
    wiped = time.monotonic()
    await world.wait_until_ended(accepted, patience=15)
    measurements.add(f"Redis wiped with 8 runs under way to all completed: {time.monotonic() - wiped:.1f} s")
    await world.check(accepted)
    assert world.pids() == before


async def test_postgres_killed_in_mid_publish(world: World, measurements: Measurements) -> None:
    before = world.pids()
    world.arm("committing", "sleep 1")
    accepted = await world.upload(small(5))
    await world.wait_for_failpoint("committing")
    world.postgres.kill()
    await asyncio.sleep(2)
    world.postgres.start()
    back = time.monotonic()
    run = await world.wait_for_state(accepted, "completed", patience=40)
    measurements.add(f"PostgreSQL killed in mid-publish, back to completed: {time.monotonic() - back:.1f} s")
    assert (run["attempt"], run["crashes"]) == (1, 0), "the work was done anew"
    await world.collect_orphans()
    await world.check([accepted])
    assert world.pids() == before


async def test_postgres_down(world: World) -> None:
    """The response is 503 with Retry-After, and nothing is stored partly."""
    before = world.pids()
    world.postgres.kill()
    answers = [
        await world.client.post("/dataset/upload", files={"file": ("x.csv", small(6))}),
        await world.client.get("/datasets"),
        await world.client.get("/dataset/7f6ff2b0-5ad3-4d6f-8f0c-0d3ed1d3e1a4/status"),
    ]
    world.postgres.start()
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["reason"] == "DATABASE_UNAVAILABLE"
        assert int(answer.headers["retry-after"]) > 0
    assert await world.orphans() == []
    accepted = await world.upload(small(6))
    await world.wait_until_ended([accepted])
    await world.check([accepted])
    assert world.pids() == before


async def test_an_outage_longer_than_any_lease(world: World) -> None:
    before = world.pids()
    accepted = [await world.upload(large(seed)) for seed in (7, 8)]
    await world.wait_for_state(accepted[0], "running")
    world.postgres.kill()
    world.valkey.kill()
    await asyncio.sleep(8)
    world.postgres.start()
    world.valkey.start()
    await world.wait_until_ended(accepted, patience=60)
    await world.collect_orphans()
    await world.check(accepted)
    assert world.pids() == before


@pytest.mark.parametrize("service", ["pipeline", "report"])
async def test_a_service_down(world: World, service: str) -> None:
    """Uploads work without the service."""
    world.proxies[service].set("reset")
    accepted = await world.upload(small(9), patience=5)
    await world.wait_for_state(accepted, "completed")
    answer = await world.client.get(f"/dataset/{accepted.dataset_id}/cleaned")
    assert answer.status_code == (503 if service == "report" else 200)
    world.proxies[service].set("none")
    await world.check([accepted])


@asynccontextmanager
async def background_uploads(world: World, accepted: list[Accepted]) -> AsyncIterator[None]:
    """Upload one dataset after the other in the background until the block ends."""

    async def upload_forever() -> None:
        seed = 0
        while True:
            seed += 1
            accepted.append(await world.upload(small(seed), patience=90))
            await asyncio.sleep(0.3)

    task = asyncio.create_task(upload_forever())
    try:
        yield
    finally:
        done = len(accepted)
        deadline = time.monotonic() + 60
        while len(accepted) == done and not task.done():
            assert time.monotonic() < deadline, "no upload comes through any more"
            await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


@pytest.mark.timeout(240)
@pytest.mark.parametrize("hop", ["redis", "postgres", "ingest", "pipeline", "report"])
async def test_a_network_that_misbehaves(world: World, hop: str, measurements: Measurements) -> None:
    count, slowest = await inject_network_faults(world, hop)
    measurements.add(f"{hop} misbehaving in five ways: {count} uploads, none lost; slowest status {slowest:.1f} s")
    assert slowest < 15


async def inject_network_faults(world: World, hop: str) -> tuple[int, float]:
    """Inject each network fault for FAULT_SECONDS into a connection, while a client uploads and asks for statuses.

    Returns:
        The number of accepted uploads, and the seconds of the slowest status request.
    """
    accepted: list[Accepted] = []
    slowest = 0.0
    async with background_uploads(world, accepted):
        for fault in FAULTS:
            world.proxies[hop].set(fault)
            fault_end = time.monotonic() + FAULT_SECONDS
            while time.monotonic() < fault_end:
                request_start = time.monotonic()
                try:
                    answer = await world.client.get("/datasets", params={"page_size": 5})
                    assert answer.status_code in (200, 503, 504), answer.text
                except httpx.TransportError as error:
                    raise AssertionError("the gateway itself broke") from error
                slowest = max(slowest, time.monotonic() - request_start)
                await asyncio.sleep(0.1)
            world.proxies[hop].set("none")
    await world.wait_until_ended(accepted, patience=90)
    await world.collect_orphans()
    await world.check(accepted)
    return len(accepted), slowest
