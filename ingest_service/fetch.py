"""Fetching a dataset from an address, without letting the address reach into private networks.

Each hop's host is resolved once, every address it has must be public, and the connection goes to exactly the address
that was checked (the certificate is still checked against the name): neither redirects nor changing DNS answers help.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from shared.errors import FieldError, InvalidInput, TooLarge, Unprocessable

_HOPS = 5
_TIMEOUT = httpx.Timeout(30, connect=10)
_TOTAL_SECONDS = 300.0
_SUFFIX_BY_TYPE = {"application/json": ".json", "text/csv": ".csv", "text/tab-separated-values": ".tsv"}


@dataclass(frozen=True)
class Download:
    """A response whose body is about to be read."""

    filename: str
    chunks: AsyncGenerator[bytes, None]


class Fetcher:
    """Fetches files over http and https."""

    def __init__(self, *, allow_private: bool, max_bytes: int) -> None:
        self._allow_private = allow_private
        self._max_bytes = max_bytes

    @asynccontextmanager
    async def open(self, address: str) -> AsyncGenerator[Download, None]:
        """The file behind `address`, streamed; five minutes at most.

        Raises:
            InvalidInput: the address is not one the service may ask.
            Unprocessable: it does not answer with a file.
            TooLarge: it announces more bytes than are accepted.
        """
        try:
            async with asyncio.timeout(_TOTAL_SECONDS), httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
                response = await self._follow(client, _parse(address))
                try:
                    self._check(response)
                    yield Download(filename=_filename(response), chunks=_decoded(response))
                finally:
                    await response.aclose()
        except TimeoutError:
            raise _unfetchable("the download took more than five minutes") from None
        except httpx.TimeoutException:
            raise _unfetchable("the server there did not answer in time") from None
        except httpx.HTTPError as error:
            raise _unfetchable(f"the connection failed ({type(error).__name__})") from error

    async def _follow(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Response:
        for _ in range(_HOPS + 1):
            response = await client.send(await self._request(client, url), stream=True)
            if not response.is_redirect:
                return response
            await response.aclose()
            url = _parse(str(url.join(response.headers["location"])))
        raise _unfetchable(f"it redirects more than {_HOPS} times")

    async def _request(self, client: httpx.AsyncClient, url: httpx.URL) -> httpx.Request:
        ip = await self._resolve(url)
        request = client.build_request(
            "GET",
            url.copy_with(host=ip),
            headers={"host": url.netloc.decode("ascii"), "user-agent": "neuralearn", "accept": "text/csv, */*"},
        )
        request.extensions["sni_hostname"] = url.host
        return request

    async def _resolve(self, url: httpx.URL) -> str:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise _unfetchable(f"the name {url.host!r} has no address") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_private and not all(ipaddress.ip_address(one).is_global for one in addresses):
            raise _refused("dataset_url points into a private network, which is not allowed")
        return addresses[0]

    def _check(self, response: httpx.Response) -> None:
        if response.status_code != httpx.codes.OK:
            raise _unfetchable(f"the server there answered {response.status_code} {response.reason_phrase}".rstrip())
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._max_bytes:
            raise TooLarge(
                f"The file has {int(announced):,} bytes; at most {self._max_bytes:,} are accepted.",
                metadata={"size_bytes": announced, "max_bytes": str(self._max_bytes)},
            )


async def _decoded(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    async for chunk in response.aiter_bytes():
        yield chunk


def _parse(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise _refused("dataset_url is not an address") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise _refused("dataset_url must be an http:// or https:// address")
    if url.userinfo:
        raise _refused("dataset_url must not carry a user name or password")
    return url


def _filename(response: httpx.Response) -> str:
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    name = header.get_filename() or PurePosixPath(unquote(response.request.url.path)).name or "dataset"
    if "." not in name:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip()
        name += _SUFFIX_BY_TYPE.get(media_type, "")
    return name


def _refused(problem: str) -> InvalidInput:
    return InvalidInput(
        f"{problem}.", reason="INVALID_DATASET_URL", fields=[FieldError(field="dataset_url", description=problem)]
    )


def _unfetchable(problem: str) -> Unprocessable:
    return Unprocessable(f"dataset_url can't be fetched: {problem}.", reason="DATASET_URL_UNREACHABLE")
