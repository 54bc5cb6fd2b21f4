"""Children that serve several small tasks: what one task does, the next one does not see."""

import asyncio
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidInput
from shared.isolation import recycled_children, sandbox
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, OutOfMemory, TaskFailed
from shared.isolation.recycled_children import RecycledChildren, children_of_small_tasks
from shared.scratch import Scratch
from tests.integration.test_isolation import Reports, has_ended, wait_until_gone

MIB = 1024**2
LIMITS: dict[str, Any] = {"deadline": 20, "memory_bytes": 256 * MIB}


@dataclass(frozen=True)
class Copying:
    """The input of a task that copies a file."""

    source: Path
    target: Path
    times: int


def pid() -> int:
    return os.getpid()


def refuse() -> None:
    raise InvalidInput("wrong", reason="WHY")


def fail() -> None:
    raise LookupError


def end() -> None:
    os._exit(3)


def sleep(report: Callable[[str, int], None]) -> None:
    report("self", os.getpid())
    time.sleep(600)


def grow(mebibytes: int) -> int:
    globals()["kept"] = bytearray(os.urandom(mebibytes * MIB))
    return os.getpid()


def leave_a_thread() -> int:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return os.getpid()


def allocate(mebibytes: int) -> int:
    return len(bytearray(mebibytes * MIB))


def address_space() -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0]


def copy(task: Copying) -> list[str]:
    (task.target / "copy.txt").write_text(task.source.read_text() * task.times)
    return sorted(entry.name for entry in task.source.parent.iterdir())


def write_beside(target: Path, folder: Path) -> None:
    target.write_text("new")
    target.with_name("other").write_text("also new")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "directory").mkdir()


def write_and_refuse(target: Path) -> None:
    target.write_text("half")
    raise InvalidInput("wrong", reason="WHY")


def visible(paths: list[str]) -> list[str]:
    """Return which of the paths can be listed or read."""
    return [path for path in paths if os.access(path, os.R_OK) and can_open(path)]


def can_open(path: str) -> bool:
    try:
        os.listdir(path) if os.path.isdir(path) else Path(path).read_bytes()
    except OSError:
        return False
    return True


def room_of(path: Path) -> str:
    return str(path.parents[2])


@pytest.fixture
async def children(isolation: Isolation, tmp_path: Path) -> AsyncIterator[RecycledChildren]:
    children = RecycledChildren(isolation, Scratch(tmp_path / "scratch"))
    await children.start(1)
    yield children
    await children.close()
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_one_child_serves_one_task_after_the_other(children: RecycledChildren) -> None:
    pids = [await children.run(pid, **LIMITS) for _ in range(5)]
    assert len(set(pids)) == 1
    at_once = await asyncio.gather(*(children.run(pid, **LIMITS) for _ in range(3)))
    assert len(set(at_once)) == 3


async def test_it_is_replaced_after_many_tasks(children: RecycledChildren) -> None:
    pids = [await children.run(pid, **LIMITS) for _ in range(120)]
    assert [pids.count(each) for each in dict.fromkeys(pids)] == [50, 50, 20]
    assert all(has_ended(each) for each in set(pids[:100]))


@pytest.mark.parametrize(
    ("task", "error"), [(refuse, InvalidInput), (fail, TaskFailed), (end, ChildDied)], ids=["refusal", "defect", "exit"]
)
async def test_it_is_replaced_after_any_failure(
    children: RecycledChildren, task: Callable[[], None], error: type[Exception]
) -> None:
    before = await children.run(pid, **LIMITS)
    with pytest.raises(error):
        await children.run(task, **LIMITS)
    assert has_ended(before)
    assert await children.run(pid, **LIMITS) != before


async def test_a_deadline_or_a_cancellation_kills_one_task(children: RecycledChildren) -> None:
    reports = Reports()
    with pytest.raises(DeadlineExceeded):
        await children.run(sleep, deadline=2.0, memory_bytes=MIB, on_progress=reports)
    assert has_ended(await reports.first("self"))
    reports = Reports()
    run = asyncio.create_task(children.run(sleep, **LIMITS, on_progress=reports))
    busy = await reports.first("self")
    other = await children.run(pid, **LIMITS)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await wait_until_gone(busy)
    assert not has_ended(other)


async def test_the_memory_limit_is_that_of_each_task(children: RecycledChildren) -> None:
    small = await children.run(address_space, deadline=20, memory_bytes=64 * MIB)
    large = await children.run(address_space, deadline=20, memory_bytes=512 * MIB)
    assert abs(large - small - 448 * MIB) < 8 * MIB
    assert await children.run(allocate, 200, **LIMITS) == 200 * MIB
    with pytest.raises(OutOfMemory):
        await children.run(allocate, 200, deadline=20, memory_bytes=64 * MIB)


@pytest.mark.parametrize(("task", "arguments"), [(grow, (100,)), (leave_a_thread, ())], ids=["memory", "a thread"])
async def test_it_is_replaced_when_a_task_leaves_something(
    children: RecycledChildren, task: Callable[..., int], arguments: tuple[int, ...]
) -> None:
    before = await children.run(pid, **LIMITS)
    assert await children.run(task, *arguments, **LIMITS) == before
    assert await children.run(pid, **LIMITS) != before
    assert has_ended(before)


async def test_it_retires_when_it_is_old(isolation: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recycled_children, "_MAX_SECONDS", 0.5)
    async with children_of_small_tasks("recycled", isolation, Scratch(tmp_path), count=1) as children:
        before = await children.run(pid, **LIMITS)
        assert await wait_until_gone(before, seconds=20)
        assert await children.run(pid, **LIMITS) != before


async def test_a_result_does_not_hang_on_the_successor(
    children: RecycledChildren, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise OSError("no space left")

    before = await children.run(pid, **LIMITS)
    monkeypatch.setattr(children, "_fork", fail)
    assert await children.run(grow, 100, **LIMITS) == before
    monkeypatch.undo()
    assert await children.run(pid, **LIMITS) != before


async def test_a_child_that_was_killed_meanwhile_is_not_asked(children: RecycledChildren) -> None:
    before = await children.run(pid, **LIMITS)
    os.kill(before, 9)
    await asyncio.sleep(0.2)
    assert await children.run(pid, **LIMITS) != before


async def test_files_are_copied_in_and_taken_home(children: RecycledChildren, tmp_path: Path) -> None:
    source, target = tmp_path / "source.txt", tmp_path / "target"
    source.write_text("ab")
    (tmp_path / "neighbour.txt").write_text("x")
    target.mkdir()
    assert await children.run(copy, Copying(source, target, 2), **LIMITS) == ["source.txt"]
    assert (target / "copy.txt").read_text() == "abab"
    assert await children.run(copy, task=Copying(source, target, 3), **LIMITS) == ["source.txt"]
    assert (target / "copy.txt").read_text() == "ababab"


async def test_neither_links_nor_halves_are_taken_home(children: RecycledChildren, tmp_path: Path) -> None:
    folder, files = tmp_path / "folder", tmp_path / "files"
    folder.mkdir()
    files.mkdir()
    await children.run(write_beside, files / "target", folder, **LIMITS)
    assert sorted(path.name for path in files.iterdir()) == ["other", "target"]
    assert list(folder.iterdir()) == []
    with pytest.raises(InvalidInput):
        await children.run(write_and_refuse, files / "third", **LIMITS)
    assert not (files / "third").exists()


async def test_no_task_sees_the_files_of_another(children: RecycledChildren, tmp_path: Path) -> None:
    source = tmp_path / "mine.txt"
    source.write_text("x")
    room = Path(await children.run(room_of, source, **LIMITS))
    assert list(room.iterdir()) == []
    outside = [str(tmp_path), str(source), str(tmp_path / "scratch"), "/etc/passwd"]
    expected = [] if sandbox.landlock_version() else outside
    assert await children.run(visible, outside, **LIMITS) == expected


async def test_fresh_children_serve_once(isolation: Isolation, tmp_path: Path) -> None:
    async with children_of_small_tasks("fresh", isolation, Scratch(tmp_path), count=1) as children:
        assert await children.run(pid, **LIMITS) != await children.run(pid, **LIMITS)
