"""A page of another site can't use a gateway on its reader's machine."""

from collections.abc import Mapping

import pytest
from fastapi import Request

from gateway.http.site_guard import SiteGuard
from shared.errors import PermissionDenied


async def outcome(
    method: str, headers: Mapping[str, str], *, hosts: str = "", address: str = "127.0.0.1", origins: str = ""
) -> str:
    """Return `served`, or the reason of the refusal."""
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": pairs})
    try:
        await SiteGuard(hosts=hosts, address=address, origins=origins)(request)
    except PermissionDenied as error:
        return error.reason
    return "served"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST", "localhost."])
async def test_names_of_this_machine_are_served(host: str) -> None:
    assert await outcome("GET", {"host": host}) == "served"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"]
)
async def test_other_names_are_not_served_on_a_private_gateway(host: str) -> None:
    assert await outcome("GET", {"host": host}) == "UNKNOWN_HOST"
    assert await outcome("GET", {"host": host}, hosts="api.example, localhost") == "UNKNOWN_HOST"
    assert await outcome("GET", {"host": host}, hosts="*") == "served"
    assert await outcome("GET", {"host": host}, address="0.0.0.0") == "served"


async def test_a_deployment_names_its_hosts() -> None:
    assert await outcome("GET", {"host": "API.example:443"}, hosts="api.example") == "served"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://[::1"},
        {"origin": ""},
        {"origin": "http://localhost:3000"},
        {"origin": "https://localhost:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
async def test_pages_of_other_sites_change_nothing(method: str, headers: dict[str, str]) -> None:
    assert await outcome(method, {"host": "localhost:8000", **headers}) == "FOREIGN_ORIGIN"


@pytest.mark.parametrize("headers", [{}, {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}])
async def test_programs_and_the_own_page_are_served(headers: dict[str, str]) -> None:
    assert await outcome("POST", {"host": "localhost:8000", **headers}) == "served"


async def test_front_ends_that_are_listed_are_served() -> None:
    headers = {"host": "localhost:8000", "origin": "https://app.example", "sec-fetch-site": "cross-site"}
    assert await outcome("POST", headers) == "FOREIGN_ORIGIN"
    assert await outcome("POST", headers, origins="https://app.example") == "served"
