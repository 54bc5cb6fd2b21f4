"""Upload forms, complete and partial, and the check of problem responses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integration.gateway.process import Gateway

MIB = 1024 * 1024
CSV = b"price,city\n1.5,Oslo\n"
Part = tuple[str, str | None, bytes]


def form(*parts: Part, end: bytes = b"--B--\r\n") -> bytes:
    """Return a multipart body.

    Args:
        parts: name, filename and content of each part; a field has no filename.
        end: the last bytes of the body.
    """
    return b"".join(_part(*part) for part in parts) + end


def _part(name: str, filename: str | None, content: bytes) -> bytes:
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    return f"--B\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=B"}
FILE: Part = ("file", "sales.csv", CSV)


async def upload(
    client: httpx.AsyncClient, *parts: Part, path: str = "/dataset/upload", **headers: str
) -> httpx.Response:
    return await client.post(path, content=form(*parts), headers={**FORM_TYPE, **headers})


def assert_problem(response: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["reason"]) == (status, reason)
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["type"] == "urn:neuralearn:problem:" + reason.lower().replace("_", "-")
    assert body["instance"] == response.request.url.path
    assert body["title"] and body["detail"]
    return body


@asynccontextmanager
async def partial_upload(
    gateway: Gateway, *, announced: int, sent: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection and send a part of an upload.

    Args:
        gateway: the gateway to connect to.
        announced: the content-length in bytes.
        sent: the part of the body that is sent.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = (
        f"POST /dataset/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.close()
