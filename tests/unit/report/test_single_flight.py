"""Concurrent callers share a computation, and it is cancelled when no caller is left."""

import asyncio

import pytest

from report_service.single_flight import SingleFlight


class Work:
    """A computation that counts its starts and ends when `go` is set."""

    def __init__(self) -> None:
        self.starts = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.starts += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.starts


async def join_callers(flight: SingleFlight[int], work: Work, *, callers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.join("key", work)) for _ in range(callers)]
    await asyncio.sleep(0.01)
    return tasks


async def test_several_callers_share_one_piece_of_work() -> None:
    flight, work = SingleFlight[int](), Work()
    tasks = await join_callers(flight, work, callers=5)
    work.go.set()
    assert await asyncio.gather(*tasks) == [1] * 5
    assert await flight.join("key", work) == 2


async def test_a_caller_who_leaves_does_not_disturb_the_others() -> None:
    flight, work = SingleFlight[int](), Work()
    first, second = await join_callers(flight, work, callers=2)
    first.cancel()
    await asyncio.sleep(0.01)
    work.go.set()
    assert await second == 1
    assert work.cancelled == 0


async def test_work_nobody_waits_for_is_cancelled_and_can_start_anew() -> None:
    flight, work = SingleFlight[int](), Work()
    for task in await join_callers(flight, work, callers=2):
        task.cancel()
    await asyncio.sleep(0)
    [late] = await join_callers(flight, work, callers=1)
    assert work.cancelled == 1
    work.go.set()
    assert await late == 2


async def test_a_failure_reaches_every_caller_and_is_not_remembered() -> None:
    flight = SingleFlight[int]()

    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    results = await asyncio.gather(*(flight.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    work = Work()
    work.go.set()
    assert await flight.join("key", work) == 1
    with pytest.raises(ValueError, match="no"):
        await flight.join("key", fail)
