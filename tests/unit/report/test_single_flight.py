"""Work wanted by several at once is done once, and not at all once nobody wants it."""

import asyncio

import pytest

from report_service.single_flight import SingleFlight


class Work:
    """Counts its starts and ends when it is told to."""

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


async def joined(flights: SingleFlight[int], work: Work, *, callers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(callers)]
    await asyncio.sleep(0.01)
    return tasks


async def test_several_callers_share_one_piece_of_work() -> None:
    flights, work = SingleFlight[int](), Work()
    tasks = await joined(flights, work, callers=5)
    work.go.set()
    assert await asyncio.gather(*tasks) == [1] * 5
    assert await flights.join("key", work) == 2


async def test_a_caller_who_leaves_does_not_disturb_the_others() -> None:
    flights, work = SingleFlight[int](), Work()
    first, second = await joined(flights, work, callers=2)
    first.cancel()
    await asyncio.sleep(0.01)
    work.go.set()
    assert await second == 1
    assert work.cancelled == 0


async def test_work_nobody_waits_for_is_cancelled_and_can_start_anew() -> None:
    flights, work = SingleFlight[int](), Work()
    for task in await joined(flights, work, callers=2):
        task.cancel()
    await asyncio.sleep(0)
    [late] = await joined(flights, work, callers=1)
    assert work.cancelled == 1
    work.go.set()
    assert await late == 2


async def test_a_failure_reaches_every_caller_and_is_not_remembered() -> None:
    flights = SingleFlight[int]()

    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    results = await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    work = Work()
    work.go.set()
    assert await flights.join("key", work) == 1
    with pytest.raises(ValueError, match="no"):
        await flights.join("key", fail)
