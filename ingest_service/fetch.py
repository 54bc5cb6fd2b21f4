"""Fetching a dataset from an address, without letting the address reach into private networks.

Each hop's host is resolved once, every address it has must be public, and the connection goes to exactly the address
that was checked (the certificate is still checked against the name): neither redirects nor changing DNS answers help.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from ingest_service.inflate import InflateError, Inflater
from shared.errors import FieldError, InvalidInput, TooLarge, Unprocessable

_HOPS = 5
_TIMEOUT = httpx.Timeout(30, connect=10)
_TOTAL_SECONDS = 300.0
_PORTS = range(1, 65536)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SUFFIX_BY_TYPE = {"application/json": ".json", "text/csv": ".csv", "text/tab-separated-values": ".tsv"}


@dataclass(frozen=True)
class Download:
    """A response whose body is about to be read; reading it raises what `Fetcher.open` does."""

    filename: str
    chunks: AsyncGenerator[bytes, None]


class Fetcher:
    """Fetches files over http and https."""

    def __init__(self, *, allow_private: bool, max_bytes: int, total_seconds: float = _TOTAL_SECONDS) -> None:
        self._allow_private = allow_private
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
        url = _parse(address)
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
            raise _unfetchable(f"the download took more than {self._total_seconds:,.0f} seconds") from None
        except httpx.TimeoutException:
            raise _unfetchable("the server there did not answer in time") from None
        except httpx.InvalidURL:
            raise _refused("dataset_url is not an address") from None
        except httpx.HTTPError as error:
            raise _unfetchable(f"the connection failed ({type(error).__name__})") from error

    async def _follow(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> httpx.Response:
        """The first answer that is no redirect. Not by an httpx client: it would look at the redirects itself."""
        for _ in range(_HOPS + 1):
            request = await self._request(url)
            response = await transport.handle_async_request(request)
            response.request = request
            if not response.has_redirect_location:
                return response
            await response.aclose()
            url = _parse(response.headers["location"], base=url)
        raise _unfetchable(f"it redirects more than {_HOPS} times")

    async def _request(self, url: httpx.URL) -> httpx.Request:
        ip = await self._resolve(url)
        return httpx.Request(
            "GET",
            url.copy_with(host=ip),
            headers={
                "host": url.netloc.decode("ascii"),
                "user-agent": "neuralearn",
                "accept": "text/csv, */*",
                "accept-encoding": "gzip",
            },
            extensions={"timeout": _TIMEOUT.as_dict(), "sni_hostname": url.raw_host.decode("ascii")},
        )

    async def _resolve(self, url: httpx.URL) -> str:
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise _unfetchable(f"the name {host!r} has no address") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_private and not all(_is_public(one) for one in addresses):
            raise _refused("dataset_url points into a private network, which is not allowed")
        return addresses[0]

    def _check(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise _unfetchable(f"the server there answered {_status(response.status_code)}")
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
            raise _unfetchable("the server there compresses the file in a way nobody asked for")
        inflater = None if encoding in {"identity", ""} else Inflater()
        chunks = response.aiter_raw()
        while (chunk := await self._next(chunks, deadline)) is not None:
            if inflater is None:
                yield chunk
                continue
            with _broken_compression():
                for piece in inflater.feed(chunk):
                    yield piece
        if inflater is not None:
            with _broken_compression():
                inflater.finish()

    async def _next(self, chunks: AsyncIterator[bytes], deadline: float) -> bytes | None:
        async with self._unfetchable_after(deadline):
            return await anext(chunks, None)


@contextmanager
def _broken_compression() -> Iterator[None]:
    try:
        yield
    except InflateError:
        raise _unfetchable("what the server there sends is not whole gzip data, which it says it is") from None


def _is_public(address: str) -> bool:
    """Whether packets to it leave for the internet, an IPv4 address wrapped in an IPv6 one included."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _parse(address: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = base.join(address) if base else httpx.URL(address)
        host = url.host
    except (httpx.InvalidURL, ValueError):  # IDNA errors are ValueErrors
        raise _refused("dataset_url is not an address") from None
    if url.scheme not in {"http", "https"} or not host:
        raise _refused("dataset_url must be an http:// or https:// address")
    if url.port is not None and url.port not in _PORTS:
        raise _refused("dataset_url names a port that does not exist")
    if url.userinfo:
        raise _refused("dataset_url must not carry a user name or password")
    return url


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


def _refused(problem: str) -> InvalidInput:
    return InvalidInput(
        f"{problem}.", reason="INVALID_DATASET_URL", fields=[FieldError(field="dataset_url", description=problem)]
    )


def _unfetchable(problem: str) -> Unprocessable:
    return Unprocessable(f"dataset_url can't be fetched: {problem}.", reason="DATASET_URL_UNREACHABLE")
