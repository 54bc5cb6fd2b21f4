"""Slots that owners share fairly."""

import asyncio

import pytest

from shared.errors import Unavailable
from shared.fair_slots import FairSlots


async def test_who_holds_few_slots_is_served_first() -> None:
    slots, order = FairSlots(2, work="tests run", wait_seconds=5), list[str]()
    release = {name: asyncio.Event() for name in ("a1", "a2", "a3", "a4", "b1")}

    async def work(owner: str, name: str) -> None:
        async with slots.hold(owner):
            order.append(name)
            await release[name].wait()

    tasks = [asyncio.create_task(work("a", name)) for name in ("a1", "a2", "a3", "a4")]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(work("b", "b1")))
    await asyncio.sleep(0.01)
    assert order == ["a1", "a2"]
    release["a1"].set()
    await asyncio.sleep(0.01)
    assert order == ["a1", "a2", "b1"]
    for event in release.values():
        event.set()
    await asyncio.gather(*tasks)
    assert order == ["a1", "a2", "b1", "a3", "a4"]


async def test_a_slot_is_waited_for_only_so_long_and_never_lost() -> None:
    slots = FairSlots(1, work="tests run", wait_seconds=0.1)
    async with slots.hold("a"):
        with pytest.raises(Unavailable, match="Too many tests run; please try again"):
            async with slots.hold("b"):
                raise AssertionError("there is no slot")
        waiting = asyncio.create_task(_hold(slots, "c"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(_hold(slots, "d"), 1)


async def test_an_owner_holds_at_most_its_share() -> None:
    slots = FairSlots(4, work="tests run", wait_seconds=0.05, per_owner=1)
    async with slots.hold("a"), slots.hold("b"):
        with pytest.raises(Unavailable):
            await _hold(slots, "a")
        await _hold(slots, "c")
    await _hold(slots, "a")


async def _hold(slots: FairSlots, owner: str) -> None:
    async with slots.hold(owner):
        return
