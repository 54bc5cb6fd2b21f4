"""High load: no upload is lost, users do not wait for the uploads of others, and fast runs start at once."""

import asyncio
import os
import signal
from collections import defaultdict
from contextlib import AsyncExitStack

import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.conftest import Measurements
from tests.faults.tables import hundred_kilobytes, large, small
from tests.faults.world import Accepted, World

UPLOADS = 1000
UPLOADS_OF_BUSY_USER = 500
WATCHERS = 200


@pytest.mark.timeout(420)
async def test_a_thousand_uploads_at_once(world: World, measurements: Measurements) -> None:
    contents = [hundred_kilobytes(seed) for seed in range(20)]
    peaks: dict[str, int] = defaultdict(int)
    watching = asyncio.create_task(watch_memory(world, peaks))
    limits = httpx.Limits(max_connections=None)
    original_client = world.client
    world.client = httpx.AsyncClient(base_url=world.stack.gateway_url, timeout=300, limits=limits)
    try:
        async with asyncio.TaskGroup() as tasks:
            uploads = [
                tasks.create_task(world.upload(contents[n % 20], patience=300, user_id=f"user-{n % 50}"))
                for n in range(UPLOADS)
            ]
    finally:
        await world.client.aclose()
        world.client = original_client
        watching.cancel()
    accepted = [upload.result() for upload in uploads]
    assert len({dataset.dataset_id for dataset in accepted}) == UPLOADS
    ids = [dataset.uuid for dataset in accepted]
    stored = await world.rows("select count(*) from datasets where id = any($1)", ids)
    assert stored[0][0] == UPLOADS
    times = [dataset.accepted_at for dataset in accepted]
    seconds = max(times) - min(times)
    measurements.add(
        f"{UPLOADS} concurrent uploads of {len(contents[0]) / 1000:.0f} KB: none lost, accepted within {seconds:.0f} s"
    )
    measurements.add("memory at most: " + ", ".join(f"{name} {peak >> 20} MiB" for name, peak in sorted(peaks.items())))
    assert peaks["gateway"] < 400 << 20
    assert peaks["ingest"] < 600 << 20
    await world.cancel_queued(accepted[50:])
    await world.wait_until_ended(accepted, patience=120)
    await world.check(accepted[:50])


async def watch_memory(world: World, peaks: dict[str, int]) -> None:
    """Record the peak resident memory of each program, without its children, which have limits of their own."""
    while True:
        for name, pid in world.pids().items():
            peaks[name] = max(peaks[name], psutil.Process(pid).memory_info().rss)
        await asyncio.sleep(0.5)


@pytest.mark.timeout(240)
async def test_one_users_five_hundred_uploads_and_anothers_single_one(world: World, measurements: Measurements) -> None:
    workers = [world.pids(name)[name] for name in ("worker-fast", "worker-fast-2")]
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        content = small(1)
        slots = asyncio.Semaphore(16)

        async def upload() -> Accepted:
            async with slots:
                return await world.upload(content, user_id="busy")

        busy_uploads = await asyncio.gather(*(upload() for _ in range(UPLOADS_OF_BUSY_USER)))
        single = await world.upload(content, user_id="rare")
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    await world.wait_for_state(single, "completed")
    started_before = "select count(*) from runs where started_at < (select started_at from runs where dataset_id = $1) "
    started_before += "and dataset_id = any($2)"
    ahead = (await world.rows(started_before, single.uuid, [dataset.uuid for dataset in busy_uploads]))[0][0]
    measurements.add(
        f"a single upload behind {UPLOADS_OF_BUSY_USER} of another user: {ahead} of them started before it"
    )
    assert ahead <= 10
    await world.cancel_queued(busy_uploads)
    await world.wait_until_ended(busy_uploads)


@pytest.mark.timeout(240)
async def test_fast_runs_start_at_once_while_the_deep_queue_is_full(world: World, measurements: Measurements) -> None:
    contents = [large(seed) for seed in range(3)]
    deep = await asyncio.gather(*(world.upload(contents[n % 3], mode="deep") for n in range(24)))
    unfinished = "select count(*) from runs where dataset_id = any($1) and state in ('queued', 'running')"
    deep_ids = [dataset.uuid for dataset in deep]
    fast: list[Accepted] = []
    while (left := (await world.rows(unfinished, deep_ids))[0][0]) > 2 and len(fast) < 20:
        fast.append(await world.upload(small(len(fast))))
        await world.wait_for_state(fast[-1], "completed")  # one after the other, so that they wait for deep ones only
    delays = await start_delays(world, fast)
    measurements.add_percentiles(f"accepted to started, fast, with {len(deep)} to {left} deep runs under way", delays)
    assert len(delays) >= 10
    assert np.percentile(delays, 95) < 1
    await world.wait_until_ended(deep, patience=120)
    await world.check([*fast, *deep])


@pytest.mark.timeout(240)
async def test_many_who_watch_leave_room_for_others(world: World, measurements: Measurements) -> None:
    deep = world.pids("worker-deep")["worker-deep"]
    os.kill(deep, signal.SIGSTOP)
    try:
        waiting = await world.upload(small(1), mode="deep")
        async with AsyncExitStack() as watchers:
            limits = httpx.Limits(max_connections=None)
            client = httpx.AsyncClient(base_url=world.stack.gateway_url, timeout=60, limits=limits)
            await watchers.enter_async_context(client)
            path = f"/dataset/{waiting.dataset_id}/events"
            streams = [client.stream("GET", path) for _ in range(WATCHERS)]
            answers = await asyncio.gather(*(watchers.enter_async_context(stream) for stream in streams))
            assert {answer.status_code for answer in answers} == {200}
            fast = []
            for seed in range(8):
                fast.append(await world.upload(small(seed)))
                await world.wait_for_state(fast[-1], "completed")
    finally:
        os.kill(deep, signal.SIGCONT)
    delays = await start_delays(world, fast)
    measurements.add_percentiles(f"accepted to started, fast, with {WATCHERS} who watch", delays)
    assert np.percentile(delays, 95) < 1
    await world.wait_until_ended([waiting])
    await world.check([waiting, *fast])


async def start_delays(world: World, accepted: list[Accepted]) -> list[float]:
    """Return the seconds from acceptance to start of each run."""
    query = "select extract(epoch from started_at - created_at)::float from runs where dataset_id = any($1)"
    return [row[0] for row in await world.rows(query, [dataset.uuid for dataset in accepted])]
