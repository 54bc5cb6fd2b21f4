"""Streamed uploads: early responses, limits, lost peers, and memory."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest

from gateway.upload.uploads import MAX_IMPORTS
from shared.errors import LimitExceeded, TooLarge, Unauthenticated
from tests.fakes.services import DATASET_ID, FakeIngest, served
from tests.integration.gateway.conftest import Services
from tests.integration.gateway.forms import FILE, FORM_TYPE, MIB, assert_problem, form, partial_upload, upload
from tests.integration.gateway.process import Gateway, gateway_process


async def test_a_wrong_mode_is_answered_before_the_file_is_read(gateway: Gateway, ingest: FakeIngest) -> None:
    sent = (
        form(("mode", None, b"turbo"), end=b"")
        + b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    async with partial_upload(gateway, announced=100 * MIB, sent=sent) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 422")
    assert b"connection: close" in head.lower()
    assert not ingest.uploads


async def test_a_client_that_goes_away_stores_nothing(gateway: Gateway, ingest: FakeIngest) -> None:
    sent = form(("file", "a.csv", b"x" * MIB), end=b"")
    async with partial_upload(gateway, announced=100 * MIB, sent=sent):
        await asyncio.wait_for(ingest.began.wait(), 5)
    await asyncio.wait_for(ingest.ended.wait(), 5)
    assert not ingest.uploads[0].committed


async def test_the_services_early_answer_reaches_a_client_that_pauses(gateway: Gateway, ingest: FakeIngest) -> None:
    ingest.error, ingest.fail_after_bytes = LimitExceeded("101 columns; at most 100."), 256 * 1024
    sent = form(("file", "a.csv", b"x" * MIB), end=b"")
    async with partial_upload(gateway, announced=100 * MIB, sent=sent) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 400")


async def test_the_services_early_answer_reaches_a_client_that_sends_on(
    client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    ingest.error, ingest.fail_after_bytes = TooLarge("too large"), 256 * 1024
    response = await upload(client, ("file", "a.csv", b"x" * (40 * MIB)))
    assert_problem(response, 413, "FILE_TOO_LARGE")


async def test_curl_sees_an_early_answer(gateway: Gateway, ingest: FakeIngest, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * (20 * MIB))
    command = [
        "curl",
        "-sS",
        "-w",
        "%{http_code}",
        "-o",
        str(tmp_path / "out"),
        "-F",
        "mode=turbo",
        "-F",
        f"file=@{file}",
    ]
    process = await asyncio.create_subprocess_exec(*command, gateway.url + "/dataset/upload", stdout=subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, output) == (0, b"422")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_over_the_limit(small_client: httpx.AsyncClient, ingest: FakeIngest, announced: bool) -> None:
    body = form(("file", "a.csv", b"x" * (3 * MIB)))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    content = body if announced else chunks()
    response = await small_client.post("/dataset/upload", content=content, headers=FORM_TYPE)
    problem = assert_problem(response, 413, "FILE_TOO_LARGE")
    assert "1,048,576 bytes" in problem["detail"]
    assert not any(received.committed for received in ingest.uploads)


async def test_a_file_of_exactly_the_limit_and_one_byte_more(
    small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    assert (await upload(small_client, ("file", "a.csv", b"x" * MIB))).status_code == 200
    assert_problem(await upload(small_client, ("file", "a.csv", b"x" * (MIB + 1))), 413, "FILE_TOO_LARGE")


async def test_more_uploads_than_the_gateway_carries(
    small_gateway: Gateway, small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    async with partial_upload(small_gateway, announced=MIB, sent=form(FILE, end=b"")):
        await asyncio.wait_for(ingest.began.wait(), 5)
        response = await upload(small_client, FILE)
        assert_problem(response, 503, "TOO_MANY_UPLOADS")
        assert response.headers["retry-after"] == "2"
    await asyncio.wait_for(ingest.ended.wait(), 5)
    for _ in range(50):
        if (await upload(small_client, FILE)).status_code == 200:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the slot is not free again")


async def test_a_burst_of_small_uploads_gets_through_one_slot(
    small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    responses = await asyncio.gather(*(upload(small_client, FILE) for _ in range(30)))
    assert [response.status_code for response in responses] == [200] * 30


async def test_an_import_takes_no_slot_of_an_upload_and_ends_with_its_client(
    small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    ingest.pause_seconds = 60
    body = {"dataset_url": "https://slow.example/a.csv"}
    fetching = asyncio.create_task(small_client.post("/dataset/upload", json=body))
    await asyncio.wait_for(ingest.began.wait(), 5)
    ingest.pause_seconds = 0
    assert (await upload(small_client, FILE)).status_code == 200
    ingest.ended.clear()
    fetching.cancel()
    await asyncio.wait_for(ingest.ended.wait(), 5)
    assert not ingest.imports


async def test_a_client_can_not_take_all_slots_of_imports(small_client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    ingest.pause_seconds, ingest.fewest_fetching = 60, MAX_IMPORTS // 2
    body = {"dataset_url": "https://slow.example/a.csv"}
    fetching = [asyncio.create_task(small_client.post("/dataset/upload", json=body)) for _ in range(MAX_IMPORTS // 2)]
    await asyncio.wait_for(ingest.began.wait(), 20)
    assert_problem(await small_client.post("/dataset/upload", json=body), 503, "TOO_MANY_UPLOADS")
    for task in fetching:
        task.cancel()


async def test_a_service_that_dies_in_the_middle_is_an_outage(fakes: Services, tmp_path: Path) -> None:
    ingest_that_dies = FakeIngest(pause_seconds=0.2)
    server = grpc.aio.server()
    served(ingest_that_dies).add(server)
    targets = {**fakes.targets, "ingest": f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"}
    await server.start()
    sent = form(("file", "a.csv", b"x" * MIB), end=b"")
    with gateway_process(tmp_path, targets) as gateway:
        async with partial_upload(gateway, announced=100 * MIB, sent=sent) as (reader, _):
            await asyncio.wait_for(ingest_that_dies.began.wait(), 5)
            await server.stop(None)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 503")
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            assert_problem(await client.get(f"/dataset/{DATASET_ID}/status"), 503, "UNAVAILABLE")
            health = await client.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "unavailable")
            assert health.json()["services"] == {"ingest": "unreachable", "pipeline": "serving", "report": "serving"}


async def large_form(mebibytes: int) -> AsyncIterator[bytes]:
    """Yield a form with a file of this size, which is made while it is sent."""
    block = bytes(range(256)) * 256
    yield b'--B\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\n'
    for _ in range(mebibytes * 16):
        yield block
    yield b"\r\n--B--\r\n"


async def test_300_megabytes_pass_through_little_memory(
    gateway: Gateway, client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    await client.post("/dataset/upload", content=large_form(8), headers=FORM_TYPE)
    memory_before, peak = gateway.rss(), 0
    request = asyncio.create_task(client.post("/dataset/upload", content=large_form(300), headers=FORM_TYPE))
    while not request.done():
        peak = max(peak, gateway.rss())
        await asyncio.sleep(0.02)
    assert (await request).status_code == 200
    assert ingest.uploads[-1].size_bytes == 300 * MIB
    assert peak - memory_before < 32 * MIB


async def test_a_slow_service_slows_the_client_down(
    gateway: Gateway, client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    ingest.pause_seconds = 0.05
    memory_before, sent = gateway.rss(), 0

    async def counted_form() -> AsyncIterator[bytes]:
        nonlocal sent
        async for chunk in large_form(100):
            sent += len(chunk)
            yield chunk

    request = asyncio.create_task(client.post("/dataset/upload", content=counted_form(), headers=FORM_TYPE))
    await asyncio.sleep(2)
    assert sent < 40 * MIB, "the client could send without being held back"
    assert gateway.rss() - memory_before < 32 * MIB
    ingest.pause_seconds = 0
    assert (await request).status_code == 200


async def test_a_slot_is_for_who_proves_who_it_is(fakes: Services, ingest: FakeIngest, tmp_path: Path) -> None:
    ingest.error = Unauthenticated("Send a token.", reason="CREDENTIALS_MISSING")
    token_mode = {"AUTH_MODE": "token", "SERVICE_SECRET": "s" * 32}
    with gateway_process(tmp_path, fakes.targets, **token_mode) as gateway:
        async with partial_upload(gateway, announced=MIB, sent=form(("target", None, b"pri"), end=b"")) as (reader, _):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 401")
    assert not ingest.uploads
