"""Request heads that are too long or never end, and clients that read too slowly."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.protocol import BoundedHttp
from tests.integration.gateway.forms import MIB
from tests.integration.gateway.process import Gateway

HeadWriter = Callable[[asyncio.StreamWriter], AsyncIterator[None]]


async def write_endless_value(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: ")
    while True:
        writer.write(b"x" * 65_536)
        yield


async def write_endless_headers(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\n")
    while True:
        writer.write(b"x: y\r\n" * 10_000)
        yield


async def write_endless_path(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /")
    while True:
        writer.write(b"x" * 65_536)
        yield


@pytest.mark.parametrize("send", [write_endless_value, write_endless_headers, write_endless_path])
async def test_an_endless_head_is_refused(gateway: Gateway, send: HeadWriter) -> None:
    memory_before = gateway.rss()
    _reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writes = 0
    try:
        async for _ in send(writer):
            writes += 1
            await asyncio.wait_for(writer.drain(), 10)
            assert writes < 1000, "it is taken without end"
    except ConnectionError:
        pass
    writer.close()
    assert gateway.rss() - memory_before < 16 * MIB


async def test_a_long_head_is_answered(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * 70_000)
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["reason"] == "REQUEST_HEADER_FIELDS_TOO_LARGE"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"x: " + b"y" * 66_000 + b"\r\nhost: localhost\r\n", b"431"),
        (b"x: y\r\n" * 250 + b"host: localhost\r\n", b"431"),
        (b"x: y\r\n", b"400"),
        (b"host: localhost\r\nHost: localhost\r\n", b"400"),
        (b"host: localhost\r\n", b"200"),
    ],
)
async def test_a_head_in_one_packet_is_checked_too(gateway: Gateway, head: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /health/live HTTP/1.1\r\n" + head + b"connection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.split(b" ")[1] == status


async def test_what_follows_a_refused_head_is_no_request(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    body = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n"
    writer.write(b"POST /dataset/upload HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body + body)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


class ImpatientHttp(BoundedHttp):
    head_seconds = 0.3
    idle_seconds = 0.5


@asynccontextmanager
async def impatient_server(app: ASGIApp | None = None) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app or PlainTextResponse("here"), port=0, http=ImpatientHttp, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def test_a_head_that_does_not_end_is_given_up() -> None:
    async with impatient_server() as port:
        for sent, expected in ((b"GET / HTTP/1.1\r\nhost: localhost\r\n", b"HTTP/1.1 408 "), (b"", b"")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert (await asyncio.wait_for(reader.read(), 5))[:13] == expected
            writer.close()


async def test_a_connection_that_is_used_again_may_rest() -> None:
    async with impatient_server() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.post("/", content=b"x" * MIB)).text == "here"
            await asyncio.sleep(0.5)


class EndlessResponse:
    """An application whose response never ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(self._chunks())(scope, receive, send)

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * MIB
                await asyncio.sleep(0)  # sending to a client that has disconnected does not wait
        finally:
            self.ended.set()


async def test_a_client_that_reads_nothing_is_disconnected_and_a_slow_one_is_not() -> None:
    app = EndlessResponse()
    async with impatient_server(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        for _ in range(20):
            await asyncio.wait_for(reader.readexactly(MIB), 5)
            await asyncio.sleep(0.1)
        assert not app.ended.is_set()
        await asyncio.wait_for(app.ended.wait(), 5)
        writer.close()
