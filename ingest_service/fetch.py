"""Fetching a dataset from an address, each hop of which must be one the service may ask."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from ingest_service.inflate import InflateError, Inflater
from shared.errors import TooLarge
from shared.outbound import OutboundGuard

_HOPS = 5
_TIMEOUT = httpx.Timeout(30, connect=10)
_TOTAL_SECONDS = 300.0
_HEADERS = {"accept": "text/csv, */*", "accept-encoding": "gzip"}
_SUFFIX_BY_TYPE = {"application/json": ".json", "text/csv": ".csv", "text/tab-separated-values": ".tsv"}


@dataclass(frozen=True)
class Download:
    """A response whose body is about to be read; reading it raises what `Fetcher.open` does."""

    filename: str
    chunks: AsyncGenerator[bytes, None]


class Fetcher:
    """Fetches files over http and https."""

    def __init__(self, *, allow_private: bool, max_bytes: int, total_seconds: float = _TOTAL_SECONDS) -> None:
        self._outside = OutboundGuard("dataset_url", allow_private=allow_private)
        self._max_bytes = max_bytes
        self._total_seconds = total_seconds

    @asynccontextmanager
    async def open(self, address: str) -> AsyncGenerator[Download, None]:
        """The file behind `address`, streamed; all of it must have come within five minutes.

        Raises:
            InvalidInput: the address is not one the service may ask.
            Unprocessable: it does not answer with a file.
            TooLarge: it announces more bytes than are accepted.
        """
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        url = self._outside.parse(address)
        async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
            async with self._unfetchable_after(deadline):
                response = await self._follow(transport, url)
            try:
                self._check(response)
                yield Download(filename=_filename(response), chunks=self._body(response, deadline))
            finally:
                await response.aclose()

    @asynccontextmanager
    async def _unfetchable_after(self, deadline: float) -> AsyncIterator[None]:
        """Says what went wrong on the network, and gives up at the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except TimeoutError:
            raise self._outside.unreachable(f"the download took more than {self._total_seconds:,.0f} seconds") from None
        except httpx.TimeoutException:
            raise self._outside.unreachable("the server there did not answer in time") from None
        except httpx.InvalidURL:
            raise self._outside.refused("is not an address") from None
        except httpx.HTTPError as error:
            raise self._outside.unreachable(f"the connection failed ({type(error).__name__})") from error

    async def _follow(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> httpx.Response:
        """The first answer that is no redirect. Not by an httpx client: it would look at the redirects itself."""
        for _ in range(_HOPS + 1):
            request = await self._outside.request("GET", url, headers=_HEADERS, timeout=_TIMEOUT)
            response = await transport.handle_async_request(request)
            response.request = request
            if not response.has_redirect_location:
                return response
            await response.aclose()
            url = self._outside.parse(response.headers["location"], base=url)
        raise self._outside.unreachable(f"it redirects more than {_HOPS} times")

    def _check(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise self._outside.unreachable(f"the server there answered {_status(response.status_code)}")
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and len(announced) < 20 and int(announced) > self._max_bytes:
            raise TooLarge(
                f"The file has {int(announced):,} bytes; at most {self._max_bytes:,} are accepted.",
                metadata={"size_bytes": announced, "max_bytes": str(self._max_bytes)},
            )

    async def _body(self, response: httpx.Response, deadline: float) -> AsyncGenerator[bytes, None]:
        """The file's bytes, inflated where the server sends them compressed, never much of them at once."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip", ""}:
            raise self._outside.unreachable("the server there compresses the file in a way nobody asked for")
        inflater = None if encoding in {"identity", ""} else Inflater()
        chunks = response.aiter_raw()
        while (chunk := await self._next(chunks, deadline)) is not None:
            if inflater is None:
                yield chunk
                continue
            with self._broken_compression():
                for piece in inflater.feed(chunk):
                    yield piece
        if inflater is not None:
            with self._broken_compression():
                inflater.finish()

    async def _next(self, chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
        async with self._unfetchable_after(deadline):
            return await anext(chunks, None)

    @contextmanager
    def _broken_compression(self) -> Iterator[None]:
        try:
            yield
        except InflateError:
            problem = "what the server there sends is not whole gzip data, which it says it is"
            raise self._outside.unreachable(problem) from None


def _status(code: int) -> str:
    """The code with the standard's words for it; the server's own are not for our clients."""
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
    except (ValueError, LookupError, TypeError):  # what the standard library makes of odd encodings
        return None
