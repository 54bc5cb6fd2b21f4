"""Disks, memory and time that do not suffice: a reason in words, nothing left behind, and the next one is served."""

import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from deploy.local.programs import PROGRAMS, Program
from tests.bench.tables import mixed_table
from tests.faults.conftest import mend
from tests.faults.tables import csv, small
from tests.faults.world import World

FILE_BYTES = 45 << 20
"""The longest file that IngestService can write."""
WORKER_FILE_BYTES = 4 << 20

_LIMITED = """
import os, resource, runpy, sys
limit, sys.argv = int(sys.argv[1]), sys.argv[2:]
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def limited(program: Program, limit: int, *, memory: int | None = None) -> Program:
    """The program with a limit on the files it writes, and on the memory of its children."""
    code = _LIMITED if memory is None else f"import os\nos.environ['RUN_MEMORY_BYTES'] = '{memory}'\n{_LIMITED}"
    arguments = ("-c", code, str(limit), *program.arguments[1:])
    return Program(program.name, arguments, program.ready, program.role)


def cramp(program: Program) -> Program:
    match program.name:
        case "ingest":
            return limited(program, FILE_BYTES)
        case "worker-fast":
            return limited(program, 0, memory=256 << 20)
        case "worker-deep":
            return limited(program, WORKER_FILE_BYTES)
    return program


@pytest.fixture(scope="module")
async def cramped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Little room for files in IngestService and in deep runs, little memory and time for fast ones."""
    programs = [cramp(program) for program in PROGRAMS]
    settings = {"FAST_TIMEOUT_SECONDS": "6"}
    world = World(tmp_path_factory.mktemp("cramped"), settings=settings, programs=programs)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def whole(cramped: World) -> AsyncIterator[None]:
    yield
    await mend(cramped)


def scratch(world: World) -> list[str]:
    assert world.stack.settings.scratch_dir is not None
    return [path.name for path in world.stack.settings.scratch_dir.glob("neuralearn-*")]


async def test_an_upload_that_finds_no_room(cramped: World) -> None:
    content = csv(mixed_table(100_000, 90))
    assert len(content) > FILE_BYTES
    answer = await cramped.client.post("/dataset/upload", files={"file": ("x.csv", content)})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_FULL"
    assert "disk space" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    assert scratch(cramped) == []
    assert await cramped.orphans() == []
    await serves_the_next(cramped)


async def test_a_run_that_finds_no_room(cramped: World) -> None:
    content = csv(mixed_table(100_000, 30))
    accepted = await cramped.upload(content, mode="deep")
    run = await cramped.until(accepted, "queued")
    while run["attempt"] == 0:
        run = await cramped.run(accepted)
    run = await cramped.until(accepted, "queued")
    assert run["error_reason"] == "STORAGE_FULL"
    await cramped.settled([accepted])
    status = await cramped.get(f"/dataset/{accepted.dataset_id}/status")
    assert (status["status"], status["error"]["reason"]) == ("failed", "STORAGE_FULL")
    assert "It was tried 4 times." in status["error"]["detail"]
    assert scratch(cramped) == []


async def test_a_dataset_that_eats_memory(cramped: World) -> None:
    accepted = await cramped.upload(csv(mixed_table(100_000, 50)))
    await cramped.until(accepted, "failed")
    status = await cramped.get(f"/dataset/{accepted.dataset_id}/status")
    assert status["error"]["reason"] == "OUT_OF_MEMORY"
    assert "0.25 GiB" in status["error"]["detail"]
    assert scratch(cramped) == []
    await serves_the_next(cramped)


async def test_a_run_that_takes_too_long(cramped: World) -> None:
    cramped.arm("copied", "sleep 6")
    random = np.random.default_rng(0)
    numbers = ("".join(map(str, random.integers(1, 10, 400))) for _ in range(40_000))
    accepted = await cramped.upload(b"a,b\n" + b"".join(f"{number} kg,1\n".encode() for number in numbers))
    begun = time.monotonic()
    await cramped.until(accepted, "failed")
    assert time.monotonic() - begun < 15
    status = await cramped.get(f"/dataset/{accepted.dataset_id}/status")
    assert status["error"]["reason"] == "TIMED_OUT"
    assert "0.1 minutes" in status["error"]["detail"]
    assert scratch(cramped) == []
    await serves_the_next(cramped)


async def serves_the_next(world: World) -> None:
    accepted = await world.upload(small(1))
    await world.until(accepted, "completed")
    await world.check([accepted])
