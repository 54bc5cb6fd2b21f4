"""Downloads after RFC 9110: validators, conditional requests, and one range of a file."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from gateway.clients.report import Rendering, ReportClient, TableInfo, TableRef
from shared.errors import RangeNotSatisfiable, ServiceError

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)
_TABLE_CACHE = "private, no-cache"
_GRAPH_CACHE = "private, max-age=3600"
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; sandbox allow-scripts allow-modals"
)
"""A report has a policy of its own, which names its script; in a sandbox it is of no origin."""
_GRAPH_HEADERS = {
    "Cache-Control": _GRAPH_CACHE,
    # An SVG opened on its own is a document of this origin; it shall not run anything.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Span:
    """A range of a file, in bytes."""

    start: int
    length: int


class TableDownload:
    """Answers requests for tables."""

    def __init__(self, report: ReportClient) -> None:
        self._report = report

    async def respond(self, request: Request, table: TableRef, *, redirect: bool = False) -> Response:
        """Return the whole table, a range of it, a 304, or a redirect to the object store.

        Raises:
            RangeNotSatisfiable: with the metadata `size_bytes`.
        """
        info = await self._report.table(table)
        etag = quoted(info.etag)
        if is_unchanged(request.headers, etag):
            return Response(status_code=304, headers={"ETag": etag, "Cache-Control": _TABLE_CACHE})
        if request.method == "HEAD":
            return _complete(Response(), info, Span(0, info.size_bytes))
        if redirect and info.download_url:
            return RedirectResponse(info.download_url, status_code=307, headers={"Cache-Control": "no-store"})
        span = requested_span(request.headers, etag, info.size_bytes)
        content = await self._content(table, span or Span(0, info.size_bytes))
        response = StreamingResponse(content, status_code=206 if span else 200)
        return _complete(response, info, span or Span(0, info.size_bytes))

    async def _content(self, table: TableRef, span: Span) -> AsyncIterator[bytes]:
        """Fetch the first piece before the status line goes out, so that a failure can still be told."""
        if not span.length:
            return _exactly(b"", None, 0)
        pieces = self._report.table_bytes(table, offset=span.start, length=span.length)
        return _exactly(await anext(pieces, b""), pieces, span.length)


def graph_response(request: Request, rendering: Rendering) -> Response:
    """Return a chart, or a 304 where the client has it."""
    headers = {**_GRAPH_HEADERS, "ETag": quoted(rendering.etag)}
    if is_unchanged(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(rendering.content, media_type=rendering.media_type, headers=headers)


async def archive_response(pieces: AsyncIterator[bytes], filename: str) -> Response:
    """Return an archive that is being made; its first piece comes before the status line, so that a failure is told."""
    first = await anext(pieces, b"")

    async def content() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {
        "Cache-Control": _TABLE_CACHE,
        "Content-Disposition": f'attachment; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(content(), media_type="application/zip", headers=headers)


def document_response(request: Request, rendering: Rendering) -> Response:
    """Return a document that may change with the next preparation, or a 304 where the client has it."""
    headers = {"ETag": quoted(rendering.etag), "Cache-Control": _TABLE_CACHE, "X-Content-Type-Options": "nosniff"}
    if is_unchanged(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(rendering.content, media_type=rendering.media_type, headers=headers)


def report_response(request: Request, rendering: Rendering) -> Response:
    """Return a report, whose own script may run in it and reach nothing."""
    response = document_response(request, rendering)
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response


def quoted(etag: str) -> str:
    """Return a strong entity tag."""
    return '"' + etag.strip('"') + '"'


def is_unchanged(headers: Headers, etag: str) -> bool:
    """Return True if If-None-Match names the entity.

    Source: RFC 9110 13.1.2, weak comparison.
    """
    candidates = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
    return etag in candidates or candidates == ["*"]


def requested_span(headers: Headers, etag: str, size: int) -> Span | None:
    """Return the one range to send; None for the whole file.

    Several ranges, a range this server does not understand, and a range of an older entity (If-Range) all mean the
    whole file.

    Raises:
        RangeNotSatisfiable: with the metadata `size_bytes`.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if not (first or last) or (first and last and int(last) < int(first)):
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes; the range lies outside of it.", metadata={"size_bytes": str(size)}
        )
    return Span(start, end - start)


def disposition(filename: str) -> str:
    """Return Content-Disposition with a plain name for old clients and the true one for the rest (RFC 6266)."""
    plain = re.sub(r'[^\x20-\x7e]|["\\]', "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _complete(response: Response, info: TableInfo, span: Span) -> Response:
    headers = response.headers
    headers["Content-Type"] = info.media_type
    headers["Content-Length"] = str(span.length)
    headers["Content-Disposition"] = disposition(info.filename)
    headers["ETag"] = quoted(info.etag)
    headers["Accept-Ranges"] = "bytes"
    headers["Cache-Control"] = _TABLE_CACHE
    headers["X-Content-Type-Options"] = "nosniff"
    if response.status_code == 206:
        headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{info.size_bytes}"
    return response


async def _exactly(first: bytes, rest: AsyncIterator[bytes] | None, length: int) -> AsyncIterator[bytes]:
    """The pieces, as long as they add up to what Content-Length promises."""
    yield first
    length -= len(first)
    if rest is not None:
        async for piece in rest:
            length -= len(piece)
            yield piece
    if length:
        raise ServiceError("the report service sent another number of bytes than it announced")
