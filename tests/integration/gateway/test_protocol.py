"""Heads of requests that are too long, or never end."""

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

Sending = Callable[[asyncio.StreamWriter], AsyncIterator[None]]


async def one_value(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\nx: ")
    while True:
        writer.write(b"x" * 65_536)
        yield


async def many_headers(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\n")
    while True:
        writer.write(b"x: y\r\n" * 10_000)
        yield


async def one_address(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writer.write(b"GET /")
    while True:
        writer.write(b"x" * 65_536)
        yield


@pytest.mark.parametrize("send", [one_value, many_headers, one_address])
async def test_an_endless_head_is_refused(gateway: Gateway, send: Sending) -> None:
    before = gateway.rss()
    _reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    sent = 0
    try:
        async for _ in send(writer):
            sent += 1
            await asyncio.wait_for(writer.drain(), 10)
            assert sent < 1000, "it is taken without end"
    except ConnectionError:
        pass
    writer.close()
    assert gateway.rss() - before < 16 * MIB


async def test_a_long_head_is_answered(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 70_000)
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["reason"] == "REQUEST_HEADER_FIELDS_TOO_LARGE"


class HastyHttp(BoundedHttp):
    head_seconds = 0.3
    idle_seconds = 0.5


@asynccontextmanager
async def hasty_server(app: ASGIApp | None = None) -> AsyncIterator[int]:
    config = uvicorn.Config(app or PlainTextResponse("here"), port=0, http=HastyHttp, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def test_a_head_that_does_not_end_is_given_up() -> None:
    async with hasty_server() as port:
        for sent, answer in ((b"GET / HTTP/1.1\r\nhost: x\r\n", b"HTTP/1.1 408 "), (b"", b"")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert (await asyncio.wait_for(reader.read(), 5))[:13] == answer
            writer.close()


async def test_a_connection_that_is_used_again_may_rest() -> None:
    async with hasty_server() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.post("/", content=b"x" * MIB)).text == "here"
            await asyncio.sleep(0.5)


class Endless:
    """An application that answers without end."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(self._pieces())(scope, receive, send)

    async def _pieces(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * MIB
                await asyncio.sleep(0)  # sending to a client that is gone does not wait
        finally:
            self.ended.set()


async def test_who_takes_nothing_is_hung_up_on_and_who_takes_a_little_is_not() -> None:
    app = Endless()
    async with hasty_server(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        for _ in range(20):
            await asyncio.wait_for(reader.readexactly(MIB), 5)
            await asyncio.sleep(0.1)
        assert not app.ended.is_set()
        await asyncio.wait_for(app.ended.wait(), 5)
        writer.close()
