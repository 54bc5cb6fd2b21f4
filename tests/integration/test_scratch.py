"""Scratch folders are removed, however the work in them ends."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.scratch import Scratch
from shared.shielding import await_shielded


async def hold_folder(scratch: Scratch) -> None:
    async with scratch.folder() as folder:
        (folder / "file").write_bytes(b"x" * 100_000)
        await asyncio.sleep(60)


@pytest.mark.parametrize("cancellations", [1, 2, 3])
async def test_cancelled_work(tmp_path: Path, cancellations: int) -> None:
    scratch = Scratch(tmp_path)
    tasks = [asyncio.create_task(hold_folder(scratch)) for _ in range(30)]
    await asyncio.sleep(0.1)
    for _ in range(cancellations):
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    program = f"""
import asyncio, os, signal
from pathlib import Path
from shared.scratch import Scratch

async def main():
    async with Scratch(Path({str(tmp_path)!r})).folder():
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False)
    (orphan,) = tmp_path.iterdir()
    async with Scratch(tmp_path).folder() as held:
        for folder in (orphan, held):
            os.utime(folder, (time.time() - 60,) * 2)
        (tmp_path / "somebody-elses").mkdir()
        Scratch(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {held.name, "somebody-elses"}


async def test_await_shielded_waits_and_then_raises_the_cancellation() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.1)
        done.append(True)

    task = asyncio.create_task(await_shielded(work()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_await_shielded_passes_results_and_errors_on() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise ValueError("no")

    assert await await_shielded(answer()) == 42
    with pytest.raises(ValueError, match="no"):
        await await_shielded(fail())
