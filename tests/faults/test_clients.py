"""Clients that disconnect, stall, or send slowly: nothing is stored or left behind, and memory is bounded."""

import asyncio
import socket
import struct

import psutil  # type: ignore[import-untyped]
import pytest

from tests.faults.conftest import Measurements
from tests.faults.tables import small
from tests.faults.world import World

BOUNDARY = "b"
SIZE = 50 << 20
CHUNK = b"1,2,3\n" * 1_000


async def start_upload(world: World) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Start an upload that announces 50 MB, and send its first bytes."""
    settings = world.stack.settings
    reader, writer = await asyncio.open_connection(settings.gateway_host, settings.gateway_port)
    part = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="x.csv"\r\n\r\na,b,c\n'
    kind = f"content-type: multipart/form-data; boundary={BOUNDARY}"
    head = f"POST /dataset/upload HTTP/1.1\r\nhost: localhost\r\n{kind}\r\n"
    writer.write(f"{head}content-length: {SIZE}\r\n\r\n{part}".encode() + CHUNK)
    await writer.drain()
    return reader, writer


async def assert_nothing_left(world: World, before: int) -> None:
    for _ in range(100):
        if not world.scratch_folders():
            break
        await asyncio.sleep(0.1)
    assert world.scratch_folders() == []
    assert await world.orphans() == []
    assert (await world.rows("select count(*) from datasets"))[0][0] == before


async def count_datasets(world: World) -> int:
    count: int = (await world.rows("select count(*) from datasets"))[0][0]
    return count


@pytest.mark.parametrize("ending", ["cancelled", "killed"])
async def test_a_client_that_goes_away(world: World, ending: str) -> None:
    before = await count_datasets(world)
    for _ in range(5):
        _reader, writer = await start_upload(world)
        for _ in range(20):
            writer.write(CHUNK)
            await writer.drain()
        await asyncio.sleep(0.3)
        if ending == "killed":  # the kernel resets the connections of a killed process
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()
    await assert_nothing_left(world, before)


@pytest.mark.timeout(120)
async def test_clients_that_stall_and_dribble(world: World, measurements: Measurements) -> None:
    """Forty such clients delay no other client, need little memory, and get an error response."""
    before = await count_datasets(world)
    gateway, ingest = (psutil.Process(world.pids(name)[name]) for name in ("gateway", "ingest"))
    rss = [process.memory_info().rss for process in (gateway, ingest)]
    connections = [await start_upload(world) for _ in range(40)]
    accepted = await world.upload(small(1), patience=5)
    for _ in range(12):
        for _reader, writer in connections[20:]:
            writer.write(b"1")
        await asyncio.sleep(1)
    await world.wait_for_state(accepted, "completed")
    growth = [process.memory_info().rss - was for process, was in zip((gateway, ingest), rss, strict=True)]
    measurements.add(
        f"40 stalled and dribbling uploads: gateway {growth[0] >> 20:+} MiB, ingest {growth[1] >> 20:+} MiB"
    )
    assert max(growth) < 64 << 20
    answers = [await asyncio.wait_for(reader.read(1 << 16), 5) for reader, _writer in connections]
    for _reader, writer in connections:
        writer.close()
        await writer.wait_closed()
    for answer in answers:
        assert b" 408 " in answer.split(b"\r\n", 1)[0], answer
    await assert_nothing_left(world, before + 1)
