"""Too little disk, memory or time: the error has a reason, nothing is left behind, and the next upload works."""

import time
from collections.abc import AsyncIterator

import numpy as np
import pytest

from deploy.local.programs import PROGRAMS, Program
from tests.bench.tables import mixed_table
from tests.faults.conftest import restore
from tests.faults.tables import csv, small
from tests.faults.world import World

FILE_BYTES = 45 << 20
"""Size limit of the files that IngestService writes."""
WORKER_FILE_BYTES = 4 << 20

_LIMITED = """
import os, resource, runpy, sys
limit, sys.argv = int(sys.argv[1]), sys.argv[2:]
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def limited(program: Program, limit: int, *, memory: int | None = None) -> Program:
    """Return a program with a limit on the size of its files, and on the memory of its children."""
    code = _LIMITED if memory is None else f"import os\nos.environ['RUN_MEMORY_BYTES'] = '{memory}'\n{_LIMITED}"
    arguments = ("-c", code, str(limit), *program.arguments[1:])
    return Program(program.name, arguments, program.ready, program.role)


def limit_program(program: Program) -> Program:
    match program.name:
        case "ingest":
            return limited(program, FILE_BYTES)
        case "worker-fast":
            return limited(program, 0, memory=256 << 20)
        case "worker-deep":
            return limited(program, WORKER_FILE_BYTES)
    return program


@pytest.fixture(scope="module")
async def limited_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A system with little disk space for IngestService and deep runs, and little memory and time for fast runs."""
    programs = [limit_program(program) for program in PROGRAMS]
    settings = {"FAST_TIMEOUT_SECONDS": "18"}  # enough for a busy machine to run out of memory first
    world = World(tmp_path_factory.mktemp("cramped"), settings=settings, programs=programs)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def restored_after_each(limited_world: World) -> AsyncIterator[None]:
    yield
    await restore(limited_world)


async def test_an_upload_that_finds_no_room(limited_world: World) -> None:
    content = csv(mixed_table(100_000, 90))
    assert len(content) > FILE_BYTES
    answer = await limited_world.client.post("/dataset/upload", files={"file": ("x.csv", content)})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_FULL"
    assert "disk space" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    assert limited_world.scratch_folders() == []
    assert await limited_world.orphans() == []
    await assert_next_upload_works(limited_world)


async def test_a_run_that_finds_no_room(limited_world: World) -> None:
    content = csv(mixed_table(100_000, 30))
    accepted = await limited_world.upload(content, mode="deep")
    run = await limited_world.wait_for_state(accepted, "queued")
    while run["attempt"] == 0:
        run = await limited_world.run(accepted)
    run = await limited_world.wait_for_state(accepted, "queued")
    assert run["error_reason"] == "STORAGE_FULL"
    await limited_world.wait_until_ended([accepted])
    status = await limited_world.get(f"/dataset/{accepted.dataset_id}/status")
    assert (status["status"], status["error"]["reason"]) == ("failed", "STORAGE_FULL")
    assert "It was tried 4 times." in status["error"]["detail"]
    assert limited_world.scratch_folders() == []


async def test_a_dataset_that_eats_memory(limited_world: World) -> None:
    accepted = await limited_world.upload(csv(mixed_table(100_000, 50)))
    await limited_world.wait_for_state(accepted, "failed")
    status = await limited_world.get(f"/dataset/{accepted.dataset_id}/status")
    assert status["error"]["reason"] == "OUT_OF_MEMORY"
    assert "0.25 GiB" in status["error"]["detail"]
    assert limited_world.scratch_folders() == []
    await assert_next_upload_works(limited_world)


async def test_a_run_that_takes_too_long(limited_world: World) -> None:
    limited_world.arm("copied", "sleep 18")
    random = np.random.default_rng(0)
    numbers = ("".join(map(str, random.integers(1, 10, 400))) for _ in range(40_000))
    accepted = await limited_world.upload(b"a,b\n" + b"".join(f"{number} kg,1\n".encode() for number in numbers))
    begun = time.monotonic()
    await limited_world.wait_for_state(accepted, "failed")
    assert time.monotonic() - begun < 30
    status = await limited_world.get(f"/dataset/{accepted.dataset_id}/status")
    assert status["error"]["reason"] == "TIMED_OUT"
    assert "0.3 minutes" in status["error"]["detail"]
    assert limited_world.scratch_folders() == []
    await assert_next_upload_works(limited_world)


async def assert_next_upload_works(world: World) -> None:
    accepted = await world.upload(small(1))
    await world.wait_for_state(accepted, "completed")
    await world.check([accepted])
