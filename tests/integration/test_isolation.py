"""CPU work in child processes: every way in which a task can end, without anything left behind."""

import asyncio
import contextlib
import operator
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shared.errors import FieldError, InvalidInput, ServiceError
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, OutOfMemory, TaskFailed

MIB = 1024**2
SVD_SIZE = 6000
CELL = "somebody@example.org"
ROOT = Path(__file__).parents[2]

PARENT = """
import asyncio, os, sys, time
sys.path.insert(0, sys.argv[1])
from shared.isolation.isolation import Isolation

def endless(report):
    report(str(os.getpid()), os.getppid())
    time.sleep(600)

async def main(isolation):
    await isolation.run(endless, deadline=600, memory_bytes=2**30, on_progress=lambda *pids: print(*pids, flush=True))

if __name__ == "__main__":
    isolation = Isolation(preload=["numpy"])
    isolation.warm_up()
    asyncio.run(main(isolation))
"""


def add(left: int, right: int = 0) -> int:
    return left + right


def repeat_byte(size: int) -> bytes:
    return b"x" * size


def environment() -> dict[str, object]:
    return {
        "pool": pa.default_memory_pool().backend_name,
        "cpus": pa.cpu_count(),
        "leads": os.getpgid(0) == os.getpid(),
        "forkserver": os.getppid(),
    }


def refuse() -> None:
    raise InvalidInput(
        "wrong", reason="WHY", fields=[FieldError("mode", "unknown")], metadata={"mode": "x"}, retry_after=3.0
    )


def fail_with_cell_value() -> None:
    try:
        float(CELL)
    except ValueError as error:
        raise LookupError(f"no number: {CELL}") from error


def unpicklable() -> Callable[[], None]:
    return lambda: None


def count(report: Callable[[str, int], None], steps: int) -> str:
    for percent in range(steps):
        report("counting", percent)
    return "counted"


def decompose(report: Callable[[str, int], None], size: int) -> None:
    report("svd", os.getpid())
    np.linalg.svd(np.random.default_rng(0).random((size, size)))


def sleep_with_offspring(report: Callable[[str, int], None]) -> None:
    offspring = subprocess.Popen(["sleep", "600"])
    report("offspring", offspring.pid)
    report("self", os.getpid())
    time.sleep(600)


def ignore_sigterm(report: Callable[[str, int], None]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    report("self", os.getpid())
    time.sleep(600)


def exit_with(code: int) -> None:
    os._exit(code)


def kill_self(signum: int) -> None:
    os.kill(os.getpid(), signum)


def allocate_arrays(mebibytes: int) -> int:
    return len([np.ones(MIB // 8) for _ in range(mebibytes)])


def allocate_small_objects() -> None:
    objects: list[bytes] = []
    while True:
        objects.append(bytes(1000))


def allocate_arrow(mebibytes: int) -> int:
    source = pa.array(np.ones(MIB // 8))
    return len([source.cast(pa.int64()) for _ in range(mebibytes)])


def start_threads_when_full() -> None:
    import pyarrow.csv

    objects: list[object] = []
    with contextlib.suppress(MemoryError):
        while True:
            objects.append(np.ones(MIB // 8))
    pyarrow.csv.read_csv(pa.BufferReader(b"a,b\n1,2\n"))


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [descendant for child in children for descendant in descendants(child)]


async def wait_until_gone(*pids: int, seconds: float = 1.0) -> bool:
    for _ in range(int(seconds * 100)):
        if all(has_ended(pid) for pid in pids):
            return True
        await asyncio.sleep(0.01)
    return False


class Reports(list[tuple[str, int]]):
    """A progress callback that records every call and lets a test wait for a stage."""

    def __init__(self) -> None:
        super().__init__()
        self._arrival = asyncio.Event()

    def __call__(self, stage: str, percent: int) -> None:
        self.append((stage, percent))
        self._arrival.set()

    async def first(self, stage: str) -> int:
        while stage not in dict(self):
            self._arrival.clear()
            await self._arrival.wait()
        return dict(self)[stage]


async def test_gives_back_the_result(isolation: Isolation) -> None:
    assert await isolation.run(add, 2, right=3, deadline=20, memory_bytes=64 * MIB) == 5


async def test_large_result_and_large_argument_arrive_whole(isolation: Isolation) -> None:
    assert len(await isolation.run(repeat_byte, 30 * MIB, deadline=20, memory_bytes=512 * MIB)) == 30 * MIB
    assert await isolation.run(len, b"y" * 5 * MIB, deadline=20, memory_bytes=512 * MIB) == 5 * MIB


async def test_child_is_single_threaded_and_leads_its_group(isolation: Isolation) -> None:
    child_environment = await isolation.run(environment, deadline=20, memory_bytes=512 * MIB)
    threads = os.listdir(f"/proc/{child_environment.pop('forkserver')}/task")
    assert child_environment == {"pool": "system", "cpus": 1, "leads": True}
    assert len(threads) == 1


async def test_service_error_arrives_with_all_fields(isolation: Isolation) -> None:
    with pytest.raises(InvalidInput) as caught:
        await isolation.run(refuse, deadline=20, memory_bytes=64 * MIB)
    error: ServiceError = caught.value
    assert (error.detail, error.reason, error.metadata, error.retry_after) == ("wrong", "WHY", {"mode": "x"}, 3.0)
    assert error.fields == (FieldError("mode", "unknown"),)


async def test_defect_is_reported_without_cell_values(isolation: Isolation) -> None:
    with pytest.raises(TaskFailed) as error:
        await isolation.run(fail_with_cell_value, deadline=20, memory_bytes=64 * MIB)
    assert (error.value.type_name, error.value.message) == ("LookupError", f"no number: {CELL}")
    assert "fail_with_cell_value" in error.value.frames and "ValueError" in error.value.frames
    assert CELL not in error.value.frames + str(error.value)


async def test_unpicklable_result_is_a_defect(isolation: Isolation) -> None:
    with pytest.raises(TaskFailed):
        await isolation.run(unpicklable, deadline=20, memory_bytes=64 * MIB)


async def test_progress_arrives_in_order(isolation: Isolation) -> None:
    reports = Reports()
    result = await isolation.run(count, 500, deadline=20, memory_bytes=64 * MIB, on_progress=reports)
    assert result == "counted"
    assert reports == [("counting", percent) for percent in range(500)]


async def test_error_in_progress_callback_ends_the_child(isolation: Isolation) -> None:
    pids: list[int] = []

    def fail(stage: str, pid: int) -> None:
        pids.append(pid)
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await isolation.run(decompose, SVD_SIZE, deadline=20, memory_bytes=4096 * MIB, on_progress=fail)
    assert has_ended(pids[0])


async def test_deadline_ends_a_loop_in_c(isolation: Isolation) -> None:
    reports, started = Reports(), time.monotonic()
    with pytest.raises(DeadlineExceeded) as error:
        await isolation.run(decompose, SVD_SIZE, deadline=3.0, memory_bytes=4096 * MIB, on_progress=reports)
    assert error.value.deadline == 3.0
    assert time.monotonic() - started < 8
    assert has_ended(reports[0][1])


async def test_deadline_ends_a_child_that_ignores_sigterm(isolation: Isolation) -> None:
    reports = Reports()
    with pytest.raises(DeadlineExceeded):
        # Long enough for a loaded machine to start the child, which reports its pid first.
        await isolation.run(ignore_sigterm, deadline=3.0, memory_bytes=64 * MIB, on_progress=reports)
    assert has_ended(reports[0][1])


@pytest.mark.parametrize("allocate", [allocate_arrays, allocate_arrow])
async def test_memory_limit_allows_what_it_says(isolation: Isolation, allocate: Callable[[int], int]) -> None:
    assert await isolation.run(allocate, 950, deadline=60, memory_bytes=1024 * MIB) == 950
    with pytest.raises(OutOfMemory) as error:
        await isolation.run(allocate, 1024, deadline=60, memory_bytes=1024 * MIB)
    assert error.value.memory_bytes == 1024 * MIB


@pytest.mark.parametrize("exhaust", [allocate_small_objects, start_threads_when_full])
async def test_exhaustion_is_out_of_memory(isolation: Isolation, exhaust: Callable[[], None]) -> None:
    with pytest.raises(OutOfMemory):
        await isolation.run(exhaust, deadline=60, memory_bytes=256 * MIB)


async def test_death_without_answer_reports_signal_or_exit_code(isolation: Isolation) -> None:
    with pytest.raises(ChildDied) as by_signal:
        await isolation.run(kill_self, signal.SIGKILL, deadline=20, memory_bytes=64 * MIB)
    assert by_signal.value.signal == signal.SIGKILL
    assert by_signal.value.by_others
    with pytest.raises(ChildDied) as by_exit:
        await isolation.run(exit_with, 7, deadline=20, memory_bytes=64 * MIB)
    assert (by_exit.value.exit_code, by_exit.value.signal, by_exit.value.by_others) == (7, None, False)


async def test_cancellation_kills_the_child_and_its_offspring(isolation: Isolation) -> None:
    reports = Reports()
    run = asyncio.create_task(
        isolation.run(sleep_with_offspring, deadline=60, memory_bytes=64 * MIB, on_progress=reports)
    )
    pid, offspring = await reports.first("self"), await reports.first("offspring")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert has_ended(pid)
    assert await wait_until_gone(offspring)


async def test_repeated_cancellation_still_reaps(isolation: Isolation) -> None:
    reports = Reports()
    run = asyncio.create_task(isolation.run(ignore_sigterm, deadline=60, memory_bytes=64 * MIB, on_progress=reports))
    pid = await reports.first("self")
    while not run.done():
        run.cancel()
        await asyncio.sleep(0)
    assert run.cancelled() and has_ended(pid)


async def test_death_with_living_offspring_is_noticed(isolation: Isolation) -> None:
    reports = Reports()
    run = asyncio.create_task(
        isolation.run(sleep_with_offspring, deadline=60, memory_bytes=64 * MIB, on_progress=reports)
    )
    os.kill(await reports.first("self"), signal.SIGSEGV)
    with pytest.raises(ChildDied) as error:
        await run
    assert error.value.signal == signal.SIGSEGV
    assert not error.value.by_others
    assert await wait_until_gone(dict(reports)["offspring"])


async def test_four_at_once_share_nothing(isolation: Isolation) -> None:
    runs = [isolation.run(add, number, right=number, deadline=20, memory_bytes=64 * MIB) for number in range(4)]
    assert await asyncio.gather(*runs) == [0, 2, 4, 6]


async def test_two_hundred_runs_leave_nothing_and_keep_the_loop_free(isolation: Isolation) -> None:
    async def measure_stalls() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            stalls.append(time.monotonic() - before)

    stalls: list[float] = []
    durations: list[float] = []
    await isolation.run(operator.add, 1, 1, deadline=20, memory_bytes=64 * MIB)
    descriptors, processes = set(os.listdir("/proc/self/fd")), set(descendants(os.getpid()))
    stall_watch = asyncio.create_task(measure_stalls())
    for number in range(200):
        started = time.monotonic()
        assert await isolation.run(operator.add, number, 1, deadline=20, memory_bytes=64 * MIB) == number + 1
        durations.append(time.monotonic() - started)
    stall_watch.cancel()
    median = statistics.median(durations)
    print(f"\none run: median {median * 1e3:.1f} ms, longest {max(durations) * 1e3:.1f} ms; ", end="")
    print(f"loop stall: 99th percentile {np.quantile(stalls, 0.99) * 1e3:.1f} ms, longest {max(stalls) * 1e3:.1f} ms")
    # What another test has left open may be closed meanwhile.
    assert set(os.listdir("/proc/self/fd")) <= descriptors
    assert set(descendants(os.getpid())) <= processes


async def test_child_and_forkserver_die_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, script, ROOT, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await asyncio.wait_for(parent.stdout.readline(), 30)).split()]
    assert not any(has_ended(pid) for pid in pids)
    parent.kill()
    await parent.wait()
    assert await wait_until_gone(*pids)


async def test_refuses_to_run_cold() -> None:
    with pytest.raises(RuntimeError, match="warm_up"):
        await Isolation(preload=()).run(add, 1, deadline=1, memory_bytes=MIB)


def test_names_what_the_forkserver_could_not_load(tmp_path: Path) -> None:
    code = "from shared.isolation.isolation import Isolation; Isolation(preload=['no_such_module']).warm_up()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "no_such_module" in result.stderr
