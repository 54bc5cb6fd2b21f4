"""Refusing what a page of another site asks of a gateway on its reader's machine.

A browser sends a form or a plain POST of any page to any address, and a name that is made to resolve to 127.0.0.1 (DNS
rebinding) lets a page read the answers. The first shows in `Origin` and `Sec-Fetch-Site`, the second in `Host`.
"""

from urllib.parse import urlsplit

from fastapi import Request

from shared.errors import PermissionDenied
from shared.settings.types import is_loopback

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class SiteGuard:
    """The check of a request before its route does anything."""

    def __init__(self, *, hosts: str, address: str, origins: str) -> None:
        """Set who is served.

        Args:
            hosts: the names that clients may use, with commas between; * for all, empty for what the address allows.
            address: the address that the gateway listens on.
            origins: the front-ends on other origins, with commas between; * for all.
        """
        self._hosts = _split(hosts) or _hosts_of(address)
        self._origins = _split(origins)

    async def __call__(self, request: Request) -> None:
        """Check the host of a request, and the origin of one that may change something.

        Raises:
            PermissionDenied: with reason UNKNOWN_HOST or FOREIGN_ORIGIN.
        """
        host = request.headers.get("host", "")
        if "*" not in self._hosts and _hostname(host) not in self._hosts:
            raise PermissionDenied(
                f"The host {host[:100]!r} is not served here; GATEWAY_HOSTS lists those that are.",
                reason="UNKNOWN_HOST",
            )
        if request.method in _SAFE_METHODS:
            return
        origin = request.headers.get("origin")
        if "*" in self._origins or (origin is not None and origin.lower() in self._origins):
            return
        # A browser writes the origin of a page as its scheme and the host that it sends.
        is_foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
        if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
            raise PermissionDenied(
                "Pages of other sites may not do this; CORS_ORIGINS lists the front-ends that may.",
                reason="FOREIGN_ORIGIN",
            )


def _hosts_of(address: str) -> tuple[str, ...]:
    """Return the names of a gateway on an address: all, where it is no private one."""
    return LOOPBACK_NAMES if is_loopback(address) else ("*",)


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in words.split(",") if word.strip())


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
