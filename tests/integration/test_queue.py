"""The run queue and its worker on a real Valkey: latency, duplicates, and crashes of either side."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from redis.asyncio import Redis

from deploy.local.embedded import EmbeddedValkey
from shared.errors import Unavailable
from shared.queue import DEEP_QUEUE, FAST_QUEUE, DoorbellWorker, RunQueue, build_worker, connect_queue

ROOT = Path(__file__).parents[2]

WORKER = """
import asyncio, signal, sys
sys.path.insert(0, sys.argv[1])
from shared.queue import FAST_QUEUE, build_worker

async def run(run_id):
    print("started", run_id, flush=True)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        print("handed back", flush=True)
        raise

async def main():
    worker = build_worker(queue=FAST_QUEUE, redis_url=sys.argv[2], run=run, slots=2, job_timeout=600, lease_seconds=2)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.serve()

asyncio.run(main())
"""


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def valkey_url(valkey: EmbeddedValkey) -> str:
    return valkey.url


@pytest.fixture
async def queue(valkey_url: str) -> AsyncIterator[RunQueue]:
    connected = await connect_queue(valkey_url)
    yield connected
    await connected.close()


@contextlib.asynccontextmanager
async def running_worker(
    redis_url: str,
    run: Callable[[UUID], Awaitable[bool]],
    *,
    slots: int = 2,
    lease_seconds: float = 30,
    job_timeout: float = 60,
) -> AsyncIterator[DoorbellWorker]:
    """Run a worker of the fast queue; it is already listening when the block begins.

    Args:
        redis_url: the server of the queue.
        run: called for each run; True asks for another call.
        slots: the most runs at a time.
        lease_seconds: the time after which another worker may take a run over.
        job_timeout: the seconds after which a run is cancelled.
    """
    worker = build_worker(
        queue=FAST_QUEUE,
        redis_url=redis_url,
        run=run,
        slots=slots,
        job_timeout=job_timeout,
        lease_seconds=lease_seconds,
    )
    serving = asyncio.create_task(worker.serve())
    redis = Redis.from_url(redis_url)
    await wait_until(lambda: is_listened_to(redis))
    await redis.aclose()
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(serving, 10)


async def wait_until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # the condition changes in another process
            await asyncio.sleep(0.01)


class RecordedRuns:
    """A run function that records its calls and can hold each until it is released."""

    def __init__(self, *, hold: bool = False) -> None:
        self.started: asyncio.Queue[UUID] = asyncio.Queue()
        self.cancelled: list[UUID] = []
        self.release = asyncio.Event()
        if not hold:
            self.release.set()

    async def __call__(self, run_id: UUID) -> bool:
        self.started.put_nowait(run_id)
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.append(run_id)
            raise
        return False

    async def next(self, *, seconds: float = 10) -> UUID:
        return await asyncio.wait_for(self.started.get(), seconds)


async def test_doorbell_starts_a_run_at_once(valkey_url: str, queue: RunQueue) -> None:
    runs, latencies = RecordedRuns(), []
    async with running_worker(valkey_url, runs):
        for _ in range(100):
            await asyncio.sleep(0.005)
            run_id, enqueued_at = uuid4(), time.perf_counter()
            assert await queue.enqueue(FAST_QUEUE, run_id)
            assert await runs.next() == run_id
            latencies.append(time.perf_counter() - enqueued_at)
    median, p95 = np.quantile(latencies, [0.5, 0.95]) * 1000
    print(f"\nstart latency: median {median:.1f} ms, 95th percentile {p95:.1f} ms")
    assert p95 < 100


async def test_finished_job_makes_room_at_once(valkey_url: str, queue: RunQueue) -> None:
    runs = RecordedRuns()
    for _ in range(30):
        await queue.enqueue(FAST_QUEUE, uuid4())
    started = time.perf_counter()
    async with running_worker(valkey_url, runs, slots=1):
        for _ in range(30):
            await runs.next()
        # With polling alone, 30 pauses of half a second would take 15 seconds.
        assert time.perf_counter() - started < 5


async def test_duplicate_is_refused_until_the_run_has_ended(valkey_url: str, queue: RunQueue) -> None:
    runs, run_id = RecordedRuns(hold=True), uuid4()
    assert await queue.enqueue(FAST_QUEUE, run_id)
    assert not await queue.enqueue(FAST_QUEUE, run_id)
    assert not await queue.enqueue(DEEP_QUEUE, run_id)
    async with running_worker(valkey_url, runs):
        await runs.next()
        assert not await queue.enqueue(FAST_QUEUE, run_id)
        assert await queue.known([run_id, uuid4()]) == {run_id}
        runs.release.set()
        await wait_until(lambda: is_unknown(queue, run_id))
        assert await queue.enqueue(FAST_QUEUE, run_id)
        assert await runs.next() == run_id


async def is_unknown(queue: RunQueue, run_id: UUID) -> bool:
    return run_id not in await queue.known([run_id])


async def test_renewed_run_stays_with_its_worker_and_an_abandoned_one_moves(valkey_url: str, queue: RunQueue) -> None:
    first, second, run_id = RecordedRuns(hold=True), RecordedRuns(), uuid4()
    async with (
        running_worker(valkey_url, first, lease_seconds=0.5),
        running_worker(valkey_url, second, lease_seconds=0.5) as other,
    ):
        other.allow_pick_jobs = False
        await queue.enqueue(FAST_QUEUE, run_id)
        await first.next()
        other.allow_pick_jobs = True
        for _ in range(8):
            await queue.renew(run_id, ttl_seconds=1)
            await asyncio.sleep(0.2)
        assert second.started.empty()
        assert await second.next() == run_id
        first.release.set()


async def test_forgotten_run_is_never_started(valkey_url: str, queue: RunQueue) -> None:
    forgotten, expected, runs = uuid4(), uuid4(), RecordedRuns()
    await queue.enqueue(FAST_QUEUE, forgotten)
    await queue.enqueue(FAST_QUEUE, expected)
    await queue.forget(forgotten)
    assert await queue.known([forgotten, expected]) == {expected}
    async with running_worker(valkey_url, runs):
        assert await runs.next() == expected
        await wait_until(lambda: is_unknown(queue, expected))
    assert runs.started.empty()


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError(), asyncio.CancelledError()])
async def test_a_run_that_raises_is_not_repeated(valkey_url: str, queue: RunQueue, error: BaseException) -> None:
    calls: list[UUID] = []

    async def fail(run_id: UUID) -> bool:
        calls.append(run_id)
        raise error

    run_id = uuid4()
    async with running_worker(valkey_url, fail):
        await queue.enqueue(FAST_QUEUE, run_id)
        await wait_until(lambda: is_unknown(queue, run_id))
        await asyncio.sleep(0.7)
    assert calls == [run_id]


async def test_a_run_that_asks_for_it_is_called_once_more(valkey_url: str, queue: RunQueue) -> None:
    calls: list[UUID] = []

    async def ask_once(run_id: UUID) -> bool:
        calls.append(run_id)
        return len(calls) == 1

    run_id = uuid4()
    async with running_worker(valkey_url, ask_once):
        await queue.enqueue(FAST_QUEUE, run_id)
        await wait_until(lambda: is_unknown(queue, run_id))
    assert calls == [run_id] * 2


async def test_job_timeout_cancels_the_run(valkey_url: str, queue: RunQueue) -> None:
    runs, run_id = RecordedRuns(hold=True), uuid4()
    async with running_worker(valkey_url, runs, job_timeout=0.2):
        await queue.enqueue(FAST_QUEUE, run_id)
        await wait_until(lambda: is_unknown(queue, run_id))
    assert runs.cancelled == [run_id]


async def test_worker_and_doorbell_survive_a_crash_of_redis(
    valkey: EmbeddedValkey, valkey_url: str, queue: RunQueue
) -> None:
    runs, running, waiting = RecordedRuns(hold=True), uuid4(), uuid4()
    async with running_worker(valkey_url, runs, slots=1):
        await queue.enqueue(FAST_QUEUE, running)
        await runs.next()
        await queue.enqueue(FAST_QUEUE, waiting)
        valkey.kill()
        await asyncio.sleep(1)
        runs.release.set()
        valkey.start()
        assert await runs.next(seconds=20) == waiting
        await wait_until(lambda: is_unknown(queue, waiting))
        redis = Redis.from_url(valkey_url)
        await wait_until(lambda: is_listened_to(redis))
        await redis.aclose()
        latencies = []
        for _ in range(5):
            await asyncio.sleep(0.02)
            enqueued_at = time.perf_counter()
            await queue.enqueue(FAST_QUEUE, uuid4())
            await runs.next()
            latencies.append(time.perf_counter() - enqueued_at)
        assert sorted(latencies)[2] < 0.2, "the doorbell is dead, only the poll is left"
    assert runs.started.empty()


async def is_listened_to(redis: Redis) -> bool:
    return bool((await redis.pubsub_numsub(f"{FAST_QUEUE}:doorbell"))[0][1])


async def test_wiped_redis_knows_nothing_and_takes_the_run_again(valkey_url: str, queue: RunQueue) -> None:
    run_id = uuid4()
    await queue.enqueue(FAST_QUEUE, run_id)
    redis = Redis.from_url(valkey_url)
    await redis.flushall()
    await redis.aclose()
    assert await queue.known([run_id]) == set()
    assert await queue.enqueue(FAST_QUEUE, run_id)


async def test_absent_redis_is_unavailable_not_fatal(valkey: EmbeddedValkey, valkey_url: str) -> None:
    valkey.kill()
    absent = await connect_queue(valkey_url)
    with pytest.raises(Unavailable) as caught:
        await absent.enqueue(FAST_QUEUE, uuid4())
    assert caught.value.reason == "QUEUE_UNAVAILABLE"
    valkey.start()
    await absent.ping()
    await absent.close()


async def test_stop_hands_back_and_another_worker_takes_over(valkey_url: str, queue: RunQueue) -> None:
    first, second, run_id = RecordedRuns(hold=True), RecordedRuns(), uuid4()
    async with running_worker(valkey_url, first):
        await queue.enqueue(FAST_QUEUE, run_id)
        await first.next()
    assert first.cancelled == [run_id]
    async with running_worker(valkey_url, second):
        assert await second.next(seconds=2) == run_id


async def test_stop_takes_effect_at_any_time(valkey_url: str, queue: RunQueue) -> None:
    for iteration in range(60):
        runs, run_id = RecordedRuns(hold=True), uuid4()
        async with running_worker(valkey_url, runs):
            await queue.enqueue(FAST_QUEUE, run_id)
            await runs.next()
            for _ in range(iteration % 12):
                await asyncio.sleep(0)
        await queue.forget(run_id)
        assert runs.cancelled == [run_id]


async def test_sigterm_hands_back_and_exits_cleanly(tmp_path: Path, valkey_url: str, queue: RunQueue) -> None:
    process = await start_worker(tmp_path, valkey_url)
    run_id = uuid4()
    await queue.enqueue(FAST_QUEUE, run_id)
    assert await read_line(process) == f"started {run_id}"
    process.send_signal(signal.SIGTERM)
    assert await read_line(process) == "handed back"
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert await queue.known([run_id]) == {run_id}


async def test_killed_worker_is_replaced_after_its_lease(tmp_path: Path, valkey_url: str, queue: RunQueue) -> None:
    process = await start_worker(tmp_path, valkey_url)
    run_id, runs = uuid4(), RecordedRuns()
    await queue.enqueue(FAST_QUEUE, run_id)
    await read_line(process)
    process.kill()
    await process.wait()
    async with running_worker(valkey_url, runs):
        assert await runs.next(seconds=10) == run_id


async def start_worker(directory: Path, redis_url: str) -> asyncio.subprocess.Process:
    script = directory / "worker.py"
    script.write_text(WORKER)
    return await asyncio.create_subprocess_exec(sys.executable, script, ROOT, redis_url, stdout=asyncio.subprocess.PIPE)


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
