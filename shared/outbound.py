"""Requests to addresses that users give, guarded against server-side request forgery (SSRF).

Each host is resolved once, every address it has must be public, and the connection goes to exactly the address that was
checked (the certificate is still checked against the name), so that DNS rebinding does not help an attacker.
"""

import asyncio
import functools
import ipaddress
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from shared.errors import FieldError, InvalidInput, Unprocessable

_PORTS = range(1, 65536)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")))
"""NAT64 (RFC 6052 and 8215), IPv4-compatible and SIIT addresses: the last 32 bits are an IPv4 address."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third 32 bits of an ISATAP address, before an IPv4 address (RFC 5214)."""
_SPECIAL_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "2620:4f:8000::/48", "2002::/16", "fec0::/10"),
    )
)
_SPECIAL_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15"),
    )
)
"""Networks of the IANA special-purpose registries that some versions of Python count as global."""
_RESOLVE_SECONDS = 5.0
_RESOLVERS = ThreadPoolExecutor(8, thread_name_prefix="resolver")
"""Separate threads, so that names that are slow to resolve don't block file access in the default executor."""


class OutboundGuard:
    """Checks the addresses that users give in one field, and builds requests to them."""

    def __init__(self, field: str, *, allow_private: bool, verb: str = "fetched") -> None:
        self.field = field
        self._verb = verb
        self._allow_private = allow_private

    def parse(self, address: str, base: httpx.URL | None = None) -> httpx.URL:
        """Parse an address, which may be relative to `base`.

        Raises:
            InvalidInput: it is not an HTTP(S) address, names an invalid port, or carries credentials.
        """
        try:
            url = base.join(address) if base else httpx.URL(address)
            host = url.host
        except (httpx.InvalidURL, ValueError):  # IDNA errors are ValueErrors
            raise self.refused("is not an address") from None
        if url.scheme not in {"http", "https"} or not host:
            raise self.refused("must be an http:// or https:// address")
        if url.port is not None and url.port not in _PORTS:
            raise self.refused("names a port that does not exist")
        if url.userinfo:
            raise self.refused("must not carry a user name or password")
        return url

    async def check(self, url: httpx.URL) -> None:
        """Check that requests to the address are allowed.

        Raises:
            InvalidInput: the address is in a private network.
            Unprocessable: its host has no address.
        """
        await self._resolve(url)

    async def request(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        content: bytes | None = None,
    ) -> httpx.Request:
        """Build a request for a transport, bound to the IP address that was checked.

        Raises:
            InvalidInput: the address is in a private network.
            Unprocessable: its host has no address.
        """
        ip = await self._resolve(url)
        extensions: dict[str, Any] = {"timeout": timeout.as_dict(), "sni_hostname": url.raw_host.decode("ascii")}
        return httpx.Request(
            method,
            url.copy_with(host=ip),
            headers={"host": url.netloc.decode("ascii"), "user-agent": "neuralearn", **headers},
            content=content,
            extensions=extensions,
        )

    def refused(self, problem: str) -> InvalidInput:
        """Return the error for an address to which requests are not allowed."""
        sentence = f"{self.field} {problem}"
        return InvalidInput(
            f"{sentence}.",
            reason=f"INVALID_{self.field.upper()}",
            fields=[FieldError(field=self.field, detail=sentence)],
        )

    def unreachable(self, problem: str) -> Unprocessable:
        """Return the error for an address that gives no usable response."""
        return Unprocessable(
            f"{self.field} can't be {self._verb}: {problem}.", reason=f"{self.field.upper()}_UNREACHABLE"
        )

    async def _resolve(self, url: httpx.URL) -> str:
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        lookup = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                infos = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, lookup)
        except (OSError, UnicodeError):
            raise self.unreachable(f"the name {host!r} has no address") from None
        addresses = [str(info[4][0]) for info in infos]
        if not self._allow_private and not all(_is_public(address) for address in addresses):
            raise self.refused("points into a private network, which is not allowed")
        return addresses[0]


def _is_public(address: str) -> bool:
    """Return True if an address is global unicast, also one that embeds an IPv4 address in IPv6."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL_IPV4)
    if (embedded := _embedded_ipv4(ip)) is not None:
        return _is_public(str(embedded))
    # Python's registry depends on its version, so what is global is written out: one block, without its special parts.
    return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in network for network in _SPECIAL_IPV6)


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a translator or tunnel would reach by an IPv6 address; None if there is none."""
    last = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if any(ip in network for network in _TRANSLATED) or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return last
    return ip.ipv4_mapped or ip.sixtofour
