"""kill -9 of every process at every step: nothing accepted is lost, nothing is published twice or partly."""

import asyncio
import os
import signal
import time

import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.conftest import Measurements
from tests.faults.tables import large, small
from tests.faults.world import World

STEPS = ("claimed", "copied", "prepared", "storing", "publishing", "committing", "published")
_takeover_seconds: list[float] = []


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_a_step(world: World, step: str) -> None:
    world.arm(step, "kill")
    accepted = await world.upload(small(STEPS.index(step)))
    await world.wait_for_failpoint(step)
    killed = time.monotonic()
    run = await world.wait_for_state(accepted, "completed")
    _takeover_seconds.append(time.monotonic() - killed)
    assert run["attempt"] == (1 if step == "published" else 2)
    await world.collect_orphans()
    await world.check([accepted])


@pytest.mark.timeout(300)
async def test_a_killed_worker_takes_its_child_along(
    world: World, measurements: Measurements, lease_seconds: int
) -> None:
    exit_seconds = []
    for seed in range(3):
        accepted = await world.upload(large(seed))
        worker, child = await find_busy_process(world)
        begun = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        while is_alive(child):
            assert time.monotonic() - begun < 1, "the child outlives its worker"
            await asyncio.sleep(0.005)
        exit_seconds.append(time.monotonic() - begun)
        await world.wait_for_state(accepted, "completed")
        _takeover_seconds.append(time.monotonic() - begun)
        await world.collect_orphans()
        await world.check([accepted])
    measurements.add_percentiles("worker killed to its child gone", exit_seconds)
    measurements.add_percentiles(f"worker killed to the run completed (lease {lease_seconds} s)", _takeover_seconds)


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


async def find_busy_process(world: World, *names: str) -> tuple[int, psutil.Process]:
    """Wait until one of the programs (by default the fast workers) is busy; return its id and its child."""
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
        worker, child = await find_busy_process(world)
        child.kill()
        run = await world.wait_for_state(accepted, "queued", "completed")
        if run["state"] == "queued":
            break  # otherwise the child had sent its outcome already
    assert (run["error_reason"], run["attempt"]) == ("PROCESS_DIED", 1)
    assert 54 <= (run["due_at"] - run["updated_at"]).total_seconds() <= 66
    assert psutil.pid_exists(worker)
    await world.wait_until_ended([accepted])
    await world.check([accepted])


async def test_two_dead_workers_end_a_run_with_a_reason(world: World) -> None:
    world.arm("copied", "kill")
    accepted = await world.upload(small(20))
    await world.wait_for_failpoint("copied")
    world.arm("copied", "kill")
    await world.wait_for_failpoint("copied")
    run = await world.wait_for_state(accepted, "failed")
    assert run["error_reason"] == "WORKER_LOST"
    status = await world.get(f"/dataset/{accepted.dataset_id}/status")
    assert "died 2 times" in status["error"]["detail"]


@pytest.mark.parametrize("step", ["received", "decoded", "stored", "accepted"])
async def test_ingest_killed_in_an_upload(world: World, step: str) -> None:
    world.arm(step, "kill")
    accepted = await world.upload(small(30))
    await world.wait_for_failpoint(step)
    assert accepted.tries > 1
    await world.wait_for_state(accepted, "completed")
    assert len(await world.rows("select 1 from datasets where id = $1", accepted.uuid)) == 1
    await world.collect_orphans()
    await world.check([accepted])
    assert await world.orphans() == []


async def test_a_child_killed_in_an_upload(world: World) -> None:
    uploading = asyncio.create_task(world.upload(large(37)))
    _ingest, child = await find_busy_process(world, "ingest")
    child.kill()
    accepted = await uploading
    assert accepted.tries > 1, "nobody saw the child die"
    await world.wait_for_state(accepted, "completed")
    await world.check([accepted])


async def test_the_gateway_killed_in_an_upload(world: World) -> None:
    world.arm("uploading", "kill")
    accepted = await world.upload(small(31))
    await world.wait_for_failpoint("uploading")
    assert accepted.tries > 1
    await world.wait_for_state(accepted, "completed")
    await world.check([accepted])


async def test_pipeline_killed_while_it_delivers(world: World) -> None:
    world.arm("starting", "kill")
    accepted = await world.upload(small(32))
    await world.wait_for_failpoint("starting")
    await world.wait_for_state(accepted, "completed")
    await world.check([accepted])


async def test_report_killed_while_it_renders(world: World) -> None:
    accepted = await world.upload(small(33))
    await world.wait_for_state(accepted, "completed")
    world.arm("rendering", "kill")
    answer = await world.client.get(f"/dataset/{accepted.dataset_id}/cleaned")
    await world.wait_for_failpoint("rendering")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    await world.wait_until_ready("report")
    await world.check([accepted])


@pytest.mark.parametrize("step", ["publishing", "committing"])
async def test_a_zombie_publishes_nothing(world: World, step: str) -> None:
    """A stopped worker does not block the worker that takes its run over, even in mid-transaction."""
    world.arm(step, "stop")
    accepted = await world.upload(small(34))
    zombie = await world.wait_for_failpoint(step)
    try:
        run = await world.wait_for_state(accepted, "completed")
        assert run["attempt"] == 2
    finally:
        os.kill(zombie, signal.SIGCONT)
    await asyncio.sleep(1)
    assert dict(await world.run(accepted)) == dict(run)
    assert psutil.pid_exists(zombie)
    await world.check([accepted])


async def test_a_run_delivered_twice_is_prepared_once(world: World) -> None:
    accepted = await world.upload(large(35))
    run = await world.wait_for_state(accepted, "running")
    redis = world.redis()
    try:
        for _ in range(5):
            await redis.delete(f"arq:in-progress:{run['id']}")
            await redis.publish("eda_fast:doorbell", b"")
            await asyncio.sleep(0.1)
    finally:
        await redis.aclose()
    run = await world.wait_for_state(accepted, "completed")
    assert run["attempt"] == 1
    await world.check([accepted])


@pytest.mark.timeout(600)  # each deploy waits for a worker that starts anew, which takes seconds on a busy machine
async def test_ten_deploys_burn_no_attempt(world: World) -> None:
    world.arm("prepared", "sleep 30")  # the worker is terminated before it can publish
    accepted = await world.upload(large(36))
    for left in reversed(range(10)):
        worker = await world.wait_for_failpoint("prepared")
        if left:  # armed before this worker has exited, as the other one may be as far by then
            world.arm("prepared", "sleep 30")
        os.kill(worker, signal.SIGTERM)
        await world.wait_for_exit(worker)
        assert (await world.run(accepted))["attempt"] <= 1
    run = await world.wait_for_state(accepted, "completed")
    assert run["attempt"] == 1
    await world.check([accepted])


@pytest.mark.timeout(300)
async def test_cancelling_is_quick(world: World, measurements: Measurements) -> None:
    cancel_seconds = []
    for seed in range(20):
        accepted = await world.upload(large(40 + seed % 3))
        _worker, child = await find_busy_process(world)
        await asyncio.sleep(0.05 * (seed % 10))
        begun = time.monotonic()
        answer = await world.client.post(f"/dataset/{accepted.dataset_id}/cancel")
        if answer.status_code == 409:
            continue
        assert answer.status_code == 200, answer.text
        while is_alive(child):
            assert time.monotonic() - begun < 5, "the child goes on"
            await asyncio.sleep(0.005)
        cancel_seconds.append(time.monotonic() - begun)
        assert (await world.run(accepted))["state"] == "cancelled"
    assert len(cancel_seconds) > 5
    measurements.add_percentiles("cancelled by REST to the child dead", cancel_seconds)


async def test_who_watches_hears_of_the_end_though_pipeline_was_killed(world: World) -> None:
    world.arm("prepared", "sleep 8")
    accepted = await world.upload(small(38))
    event_ids: list[int] = []
    last = ""
    async with world.client.stream("GET", f"/dataset/{accepted.dataset_id}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                event_ids.append(int(line.removeprefix("id: ")))
            if line.startswith("data: "):
                if '"processing"' in line and '"processing"' not in last:
                    world.stack.kill("pipeline")
                last = line
    assert '"completed"' in last
    assert event_ids == sorted(event_ids)
