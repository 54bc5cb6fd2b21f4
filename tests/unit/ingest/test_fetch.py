"""Downloads over real sockets: every bad address or response ends in an error with a reason."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ingest_service.fetch import Fetcher, Patience
from shared.errors import InvalidInput, ServiceError, Unprocessable

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"


@asynccontextmanager
async def serving(answer: Handler) -> AsyncIterator[str]:
    """Serve requests with the given handler and yield the address of a file."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.csv"


def respond_with(content: bytes) -> Handler:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return answer


async def fetch(
    address: str, *, total_seconds: float = 10, head_seconds: float = 15, max_bytes: int = 10**9
) -> tuple[str, list[bytes]]:
    patience = Patience(head=head_seconds, total=total_seconds)
    fetcher = Fetcher(allow_private=True, max_bytes=max_bytes, patience=patience)
    async with fetcher.open(address) as download:
        return download.filename, [chunk async for chunk in download.chunks]


async def failure(address: str, *, total_seconds: float = 10, head_seconds: float = 15) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await fetch(address, total_seconds=total_seconds, head_seconds=head_seconds)
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        "http://1.1.1.1:99999/",
        "http://8.8.8.8:65536/x.csv",
        "http://1.1.1.1:0/",
        "http://1.1.1.1:-1/",
        "http://xn--/",
        "http://xn--a/",
        "http://[::1",
        "http://\u2028/",
        "http://\ud800/",
        "http:///x.csv",
        "http://a/" + "b" * 70_000,
        "\x00",
    ],
)
async def test_odd_addresses_are_refused(address: str) -> None:
    error = await failure(address)
    assert isinstance(error, InvalidInput)
    assert error.reason == "INVALID_DATASET_URL"


@pytest.mark.parametrize("host", ["a..b", "%00", "ex%20ample", "a" * 300 + ".com", "[fe80::1%25eth0]"])
async def test_names_without_an_address(host: str) -> None:
    assert (await failure(f"http://{host}/")).reason in {"DATASET_URL_UNREACHABLE", "INVALID_DATASET_URL"}


@pytest.mark.parametrize(
    "address", ["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::ffff:10.0.0.1]", "224.0.0.1", "[ff02::1]", "0.0.0.0"]
)
async def test_private_addresses_in_disguise_are_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="private network"):
        async with Fetcher(allow_private=False, max_bytes=1).open(f"http://{address}/"):
            pass


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (b"HTTP/1.1 302 Gone <b>off</b>\r\n\r\n", "DATASET_URL_UNREACHABLE", "answered 302 Found."),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "DATASET_URL_UNREACHABLE", "answered 304 Not Modified."),
        (b"HTTP/1.1 299 Hm\r\n\r\n", "DATASET_URL_UNREACHABLE", "answered 299."),
        (b"HTTP/1.1 302 Found\r\nlocation: http://xn--/\r\n\r\n", "INVALID_DATASET_URL", "not an address"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://[::1\r\n\r\n", "INVALID_DATASET_URL", "not an address"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://1.1.1.1:70000/\r\n\r\n", "INVALID_DATASET_URL", "port"),
        (b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\n\r\n", "INVALID_DATASET_URL", "http://"),
        (b"HTTP/1.1 302 Found\r\nlocation: \xff\xfe\r\n\r\n", "DATASET_URL_UNREACHABLE", "redirects"),
        (b"gibberish\r\n\r\n", "DATASET_URL_UNREACHABLE", "connection failed"),
        (b"", "DATASET_URL_UNREACHABLE", "connection failed"),
        (HEAD + b"content-length: 100\r\n\r\na,b\n", "DATASET_URL_UNREACHABLE", "connection failed"),
        (HEAD + b"x: y\r\n" * 100_000 + b"\r\n", "DATASET_URL_UNREACHABLE", "connection failed"),
        (HEAD + b"content-encoding: gzip\r\n\r\nplain", "DATASET_URL_UNREACHABLE", "not whole gzip"),
        (
            HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"a", mtime=0)[:-3],
            "DATASET_URL_UNREACHABLE",
            "not whole",
        ),
        (HEAD + b"content-encoding: br\r\n\r\nx", "DATASET_URL_UNREACHABLE", "nobody asked"),
        (HEAD + b"content-length: 9999999999\r\n\r\n", "FILE_TOO_LARGE", "9,999,999,999 bytes"),
    ],
)
async def test_servers_that_answer_badly(content: bytes, reason: str, words: str) -> None:
    async with serving(respond_with(content)) as address:
        error = await failure(address)
    assert error.reason == reason
    assert words in error.detail


async def test_a_response_that_never_ends_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b"1\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(drip) as address:
        error = await failure(address, total_seconds=1)
    assert isinstance(error, Unprocessable)
    assert "took more than 1 seconds" in error.detail


async def test_the_time_limit_ends_with_the_download() -> None:
    fetcher = Fetcher(allow_private=True, max_bytes=100, patience=Patience(total=0.5))
    async with serving(respond_with(HEAD + b"\r\na\n1\n")) as address, fetcher.open(address) as download:
        assert b"".join([chunk async for chunk in download.chunks]) == b"a\n1\n"
        await asyncio.sleep(0.6)


async def test_compressed_files_come_in_small_pieces() -> None:
    bomb = gzip.compress(b"\x00" * 20_000_000) + gzip.compress(b"end")
    async with serving(respond_with(HEAD + b"content-encoding: gzip\r\n\r\n" + bomb)) as address:
        _, chunks = await fetch(address)
    assert max(map(len, chunks)) <= 1 << 18
    assert b"".join(chunks) == b"\x00" * 20_000_000 + b"end"


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        (b'attachment; filename="y.json"', "y.json"),
        (b"attachment; filename*=utf-8''%C3%A9.csv", "é.csv"),
        (b"attachment; filename*=idna''xn--%ff", "x.csv"),
        (b"attachment; filename*=undefined''a", "x.csv"),
    ],
)
async def test_filenames(disposition: bytes, filename: str) -> None:
    async with serving(respond_with(HEAD + b"content-disposition: " + disposition + b"\r\n\r\na\n1\n")) as address:
        assert (await fetch(address))[0] == filename


async def test_informational_answers_are_no_answer() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(answer) as address:
        error = await failure(address, head_seconds=0.3)
    assert error.reason == "DATASET_URL_UNREACHABLE"
    assert "did not answer in time" in str(error)


async def test_a_server_that_sends_byte_by_byte_is_given_up() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(answer) as address:
        error = await failure(address, head_seconds=0.3)
    assert "it sent only" in str(error)
