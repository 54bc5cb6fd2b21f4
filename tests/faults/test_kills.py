"""kill -9 of everything, at every step: nothing accepted is lost, nothing is published twice or by halves."""

import asyncio
import os
import signal
import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.conftest import Figure
from tests.faults.tables import large, small
from tests.faults.world import World

STEPS = ("claimed", "copied", "prepared", "storing", "publishing", "committing", "published")
_rescues: list[float] = []


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_a_step(world: World, step: str) -> None:
    world.arm(step, "kill")
    accepted = await world.upload(small(STEPS.index(step)))
    await world.fired(step)
    killed = time.monotonic()
    run = await world.until(accepted, "completed")
    _rescues.append(time.monotonic() - killed)
    assert run["attempt"] == (1 if step == "published" else 2)
    await world.collect()
    await world.check([accepted])


@pytest.mark.timeout(300)
async def test_a_killed_worker_takes_its_child_along(world: World, figure: Figure, lease_seconds: int) -> None:
    gone = []
    for seed in range(3):
        accepted = await world.upload(large(seed))
        worker, child = await working(world)
        begun = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() - begun < 1, "the child outlives its worker"
            await asyncio.sleep(0.005)
        gone.append(time.monotonic() - begun)
        await world.until(accepted, "completed")
        _rescues.append(time.monotonic() - begun)
        await world.collect()
        await world.check([accepted])
    figure.spread("worker killed to its child gone", gone)
    figure.spread(f"worker killed to the run completed (lease {lease_seconds} s)", _rescues)


async def working(world: World, *names: str) -> tuple[int, psutil.Process]:
    """One of the programs (by default a fast worker) that has something to do, and the child that does it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for name in names or ("worker-fast", "worker-fast-2"):
            try:
                program = world.pids(name)[name]
            except ProcessLookupError:
                continue
            if child := world.child_of(program):
                return program, child
        await asyncio.sleep(0.01)
    raise AssertionError("nobody works")


async def test_a_killed_child_is_replaced(world: World) -> None:
    for seed in range(10):
        accepted = await world.upload(large(seed))
        worker, child = await working(world)
        child.kill()
        run = await world.until(accepted, "queued", "completed")
        if run["state"] == "queued":
            break  # otherwise it had told its outcome already
    assert (run["error_reason"], run["attempt"]) == ("PROCESS_DIED", 1)
    assert 54 <= (run["due_at"] - run["updated_at"]).total_seconds() <= 66
    assert psutil.pid_exists(worker)
    await world.settled([accepted])
    await world.check([accepted])


async def test_two_dead_workers_end_a_run_with_a_reason(world: World) -> None:
    world.arm("copied", "kill")
    accepted = await world.upload(small(20))
    await world.fired("copied")
    world.arm("copied", "kill")
    await world.fired("copied")
    run = await world.until(accepted, "failed")
    assert run["error_reason"] == "WORKER_LOST"
    status = await world.get(f"/dataset/{accepted.dataset_id}/status")
    assert "died 2 times" in status["error"]["detail"]


@pytest.mark.parametrize("step", ["received", "decoded", "stored", "accepted"])
async def test_ingest_killed_in_an_upload(world: World, step: str) -> None:
    world.arm(step, "kill")
    accepted = await world.upload(small(30))
    await world.fired(step)
    assert accepted.tries > 1
    await world.until(accepted, "completed")
    assert len(await world.rows("select 1 from datasets where id = $1", accepted.uuid)) == 1
    await world.collect()
    await world.check([accepted])
    assert await world.orphans() == []


async def test_a_child_killed_in_an_upload(world: World) -> None:
    uploading = asyncio.create_task(world.upload(large(37)))
    _ingest, child = await working(world, "ingest")
    child.kill()
    accepted = await uploading
    assert accepted.tries > 1, "nobody saw the child die"
    await world.until(accepted, "completed")
    await world.check([accepted])


async def test_the_gateway_killed_in_an_upload(world: World) -> None:
    world.arm("uploading", "kill")
    accepted = await world.upload(small(31))
    await world.fired("uploading")
    assert accepted.tries > 1
    await world.until(accepted, "completed")
    await world.check([accepted])


async def test_pipeline_killed_while_it_delivers(world: World) -> None:
    world.arm("starting", "kill")
    accepted = await world.upload(small(32))
    await world.fired("starting")
    await world.until(accepted, "completed")
    await world.check([accepted])


async def test_report_killed_while_it_renders(world: World) -> None:
    accepted = await world.upload(small(33))
    await world.until(accepted, "completed")
    world.arm("rendering", "kill")
    answer = await world.client.get(f"/dataset/{accepted.dataset_id}/cleaned")
    await world.fired("rendering")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    await world.ready("report")
    await world.check([accepted])


@pytest.mark.parametrize("step", ["publishing", "committing"])
async def test_a_zombie_publishes_nothing(world: World, step: str) -> None:
    """Nor does it hold up who takes its run over, not even where it stands still in mid-transaction."""
    world.arm(step, "stop")
    accepted = await world.upload(small(34))
    zombie = await world.fired(step)
    try:
        run = await world.until(accepted, "completed")
        assert run["attempt"] == 2
    finally:
        os.kill(zombie, signal.SIGCONT)
    await asyncio.sleep(1)
    assert dict(await world.run(accepted)) == dict(run)
    assert psutil.pid_exists(zombie)
    await world.check([accepted])


async def test_a_run_delivered_twice_is_prepared_once(world: World) -> None:
    accepted = await world.upload(large(35))
    run = await world.until(accepted, "running")
    redis = world.redis()
    try:
        for _ in range(5):
            await redis.delete(f"arq:in-progress:{run['id']}")
            await redis.publish("eda_fast:doorbell", b"")
            await asyncio.sleep(0.1)
    finally:
        await redis.aclose()
    run = await world.until(accepted, "completed")
    assert run["attempt"] == 1
    await world.check([accepted])


@pytest.mark.timeout(180)
async def test_ten_deploys_burn_no_attempt(world: World) -> None:
    world.arm("prepared", "sleep 30")  # whoever has done the work is asked to stop before it can be published
    accepted = await world.upload(large(36))
    for left in reversed(range(10)):
        worker = await world.fired("prepared")
        if left:  # before this worker is gone, as the other one may have done the work by then
            world.arm("prepared", "sleep 30")
        os.kill(worker, signal.SIGTERM)
        await world.ended(worker)
        assert (await world.run(accepted))["attempt"] <= 1
    run = await world.until(accepted, "completed")
    assert run["attempt"] == 1
    await world.check([accepted])


async def test_cancelling_is_quick(world: World, figure: Figure) -> None:
    taken = []
    for seed in range(20):
        accepted = await world.upload(large(40 + seed % 3))
        _worker, child = await working(world)
        await asyncio.sleep(0.05 * (seed % 10))
        begun = time.monotonic()
        answer = await world.client.post(f"/dataset/{accepted.dataset_id}/cancel")
        if answer.status_code == 409:
            continue
        assert answer.status_code == 200, answer.text
        while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() - begun < 5, "the child goes on"
            await asyncio.sleep(0.005)
        taken.append(time.monotonic() - begun)
        assert (await world.run(accepted))["state"] == "cancelled"
    assert len(taken) > 5
    figure.spread("cancelled by REST to the child dead", taken)


async def test_who_watches_hears_of_the_end_though_pipeline_was_killed(world: World) -> None:
    world.arm("prepared", "sleep 8")
    accepted = await world.upload(small(38))
    numbers: list[int] = []
    last = ""
    async with world.client.stream("GET", f"/dataset/{accepted.dataset_id}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                numbers.append(int(line.removeprefix("id: ")))
            if line.startswith("data: "):
                if '"processing"' in line and '"processing"' not in last:
                    world.stack.kill("pipeline")
                last = line
    assert '"completed"' in last
    assert numbers == sorted(numbers)
