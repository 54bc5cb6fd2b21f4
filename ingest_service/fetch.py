"""Download of a dataset from an address; every redirect must lead to an allowed address too."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from ingest_service.inflate import InflateError, Inflater
from shared.errors import TooLarge
from shared.fair_slots import FairSlots
from shared.outbound import OutboundGuard

_MAX_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(30, connect=10)
_LEAST_RATE = 1024
"""Bytes a second that a server has to send on average, once the time for its head has passed."""
MAX_FETCHES = 16
"""Files that are fetched at the same time."""
MAX_FETCHES_OF_OWNER = 4
_WAIT_SECONDS = 10.0
_HEADERS = {"accept": "text/csv, */*", "accept-encoding": "gzip"}
_SUFFIX_BY_TYPE = {"application/json": ".json", "text/csv": ".csv", "text/tab-separated-values": ".tsv"}


@dataclass(frozen=True)
class Patience:
    """How long a server may take, in seconds."""

    head: float = 15.0
    """For the head of its answer, after any number of informational answers."""
    total: float = 300.0
    """For the whole file."""


@dataclass(frozen=True)
class Download:
    """A response whose body is read in chunks; reading them raises the errors of `Fetcher.open`."""

    filename: str
    chunks: AsyncGenerator[bytes, None]


class Fetcher:
    """A downloader of files over HTTP and HTTPS."""

    def __init__(self, *, allow_private: bool, max_bytes: int, patience: Patience | None = None) -> None:
        self._guard = OutboundGuard("dataset_url", allow_private=allow_private)
        self._max_bytes = max_bytes
        self._patience = patience or Patience()
        self._slots = FairSlots(
            MAX_FETCHES,
            work="files are being fetched just now",
            wait_seconds=_WAIT_SECONDS,
            per_owner=MAX_FETCHES_OF_OWNER,
        )

    def slot(self, owner: str) -> AbstractAsyncContextManager[None]:
        """Hold the right to fetch a file, which owners share fairly.

        Raises:
            Unavailable: too many files are being fetched.
        """
        return self._slots.hold(owner)

    @asynccontextmanager
    async def open(self, address: str) -> AsyncGenerator[Download, None]:
        """Open the file at an address as a stream, which has to end within the time allowed; call it with a slot.

        Raises:
            InvalidInput: the address is not allowed.
            Unprocessable: the server does not answer with a file.
            TooLarge: the server announces more bytes than are accepted.
        """
        deadline = asyncio.get_running_loop().time() + self._patience.total
        url = self._guard.parse(address)
        async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
            async with self._network_errors_as_unreachable(deadline):
                response = await self._follow_redirects(transport, url)
            try:
                self._check_response(response)
                yield Download(filename=_filename(response), chunks=self._read_body(response, deadline))
            finally:
                await response.aclose()

    @asynccontextmanager
    async def _network_errors_as_unreachable(self, deadline: float) -> AsyncIterator[None]:
        """Raise network errors, and a timeout at the deadline, as 'unreachable' errors."""
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except TimeoutError:
            raise self._guard.unreachable(f"the download took more than {self._patience.total:,.0f} seconds") from None
        except httpx.TimeoutException:
            raise self._guard.unreachable("the server there did not answer in time") from None
        except httpx.InvalidURL:
            raise self._guard.refused("is not an address") from None
        except httpx.HTTPError as error:
            raise self._guard.unreachable(f"the connection failed ({type(error).__name__})") from error

    async def _follow_redirects(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> httpx.Response:
        """Return the first response that is no redirect.

        An httpx client would parse the redirects itself, before their addresses are checked, so a transport is used.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            request = await self._guard.request("GET", url, headers=_HEADERS, timeout=_TIMEOUT)
            response = await self._answer(transport, request)
            response.request = request
            if not response.has_redirect_location:
                return response
            await response.aclose()
            url = self._guard.parse(response.headers["location"], base=url)
        raise self._guard.unreachable(f"it redirects more than {_MAX_REDIRECTS} times")

    async def _answer(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request, whose head has to come in time: informational answers do not count."""
        try:
            async with asyncio.timeout(self._patience.head):
                return await transport.handle_async_request(request)
        except TimeoutError:
            raise self._guard.unreachable("the server there did not answer in time") from None

    def _check_response(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise self._guard.unreachable(f"the server there answered {_describe_status(response.status_code)}")
        content_length = response.headers.get("content-length", "")
        if content_length.isdecimal() and len(content_length) < 20 and int(content_length) > self._max_bytes:
            raise TooLarge(
                f"The file has {int(content_length):,} bytes; at most {self._max_bytes:,} are accepted.",
                metadata={"size_bytes": content_length, "max_bytes": str(self._max_bytes)},
            )

    async def _read_body(self, response: httpx.Response, deadline: float) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of the file in small chunks, decompressed where the server sends gzip."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip", ""}:
            raise self._guard.unreachable("the server there compresses the file in a way nobody asked for")
        inflater = None if encoding in {"identity", ""} else Inflater()
        chunks = response.aiter_raw()
        started, received = asyncio.get_running_loop().time(), 0
        while (chunk := await self._next_chunk(chunks, deadline)) is not None:
            received += len(chunk)
            seconds = asyncio.get_running_loop().time() - started
            if seconds > self._patience.head and received < _LEAST_RATE * seconds:
                raise self._guard.unreachable(f"it sent only {received:,} bytes in {seconds:,.0f} seconds")
            if inflater is None:
                yield chunk
                continue
            with self._inflate_errors_as_unreachable():
                for piece in inflater.feed(chunk):
                    yield piece
        if inflater is not None:
            with self._inflate_errors_as_unreachable():
                inflater.finish()

    async def _next_chunk(self, chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
        async with self._network_errors_as_unreachable(deadline):
            return await anext(chunks, None)

    @contextmanager
    def _inflate_errors_as_unreachable(self) -> Iterator[None]:
        try:
            yield
        except InflateError:
            problem = "what the server there sends is not whole gzip data, which it says it is"
            raise self._guard.unreachable(problem) from None


def _describe_status(code: int) -> str:
    """Return the code with its standard reason phrase; the server's own phrase can't be trusted."""
    return f"{code} {HTTPStatus(code).phrase}" if code in set(HTTPStatus) else str(code)


def _filename(response: httpx.Response) -> str:
    name = _announced_filename(response) or PurePosixPath(unquote(response.request.url.path)).name or "dataset"
    if "." not in name:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip()
        name += _SUFFIX_BY_TYPE.get(media_type, "")
    return name


def _announced_filename(response: httpx.Response) -> str | None:
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    try:
        return header.get_filename()
    except (ValueError, LookupError, TypeError):  # The standard library raises these for malformed encodings.
        return None
