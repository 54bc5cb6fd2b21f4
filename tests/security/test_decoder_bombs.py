"""Small files that hold a decoder for long are refused soon, and owners share the decoders."""

import asyncio
import gzip
import resource
from pathlib import Path

import pytest

from ingest_service.decoding import Limits, decode_file
from ingest_service.fair_slots import FairSlots
from shared.errors import LimitExceeded, Unprocessable

LIMITS = Limits(max_rows=100_000, max_columns=100)
MOST_CPU_SECONDS = 15
"""Several times what they take, and a fraction of the two minutes that they took before they were bounded."""
BOMBS = {
    "newlines": b"\n" * 60_000_000,
    "carriage_returns": b"\r" * 60_000_000,
    "both": b"\r\n" * 30_000_000,
    "one_column": b"a\n" * 30_000_000,
    "ragged": b"a,b\n" + b"1,2,3\n" * 10_000_000,
    "high_bytes": b"\xe9" * 60_000_000,
    "quote": b'a,b\n"' + b"x" * 60_000_000,
    "commas": b"," * 60_000_000,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BOMBS)
def test_small_files_do_not_hold_a_decoder(name: str, tmp_path: Path) -> None:
    source = tmp_path / "bomb.csv.gz"
    source.write_bytes(gzip.compress(BOMBS[name]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises((Unprocessable, LimitExceeded)):
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < MOST_CPU_SECONDS


def test_json_lines_end_at_the_limit(tmp_path: Path) -> None:
    source = tmp_path / "bomb.jsonl"
    source.write_bytes(b'{"a": 1}\n' * 200_001)
    with pytest.raises(LimitExceeded, match="more than 100,000 rows × 1 column"):
        decode_file(source, source.name, tmp_path / "table.arrow", LIMITS)


async def test_who_holds_few_slots_is_served_first() -> None:
    slots, order = FairSlots(2), list[str]()
    release = {name: asyncio.Event() for name in ("a1", "a2", "a3", "a4", "b1")}

    async def work(owner: str, name: str) -> None:
        async with slots.hold(owner, wait_seconds=5):
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
    slots = FairSlots(1)
    async with slots.hold("a", wait_seconds=1):
        with pytest.raises(TimeoutError):
            async with slots.hold("b", wait_seconds=0.05):
                raise AssertionError("there is no slot")
        waiting = asyncio.create_task(_hold(slots, "c"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(_hold(slots, "d"), 1)


async def _hold(slots: FairSlots, owner: str) -> None:
    async with slots.hold(owner, wait_seconds=1):
        return
