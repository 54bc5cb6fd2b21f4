"""Middleware of every request. Pure ASGI: nothing here may buffer a body or loosen backpressure."""

import asyncio
import contextlib
import time

import structlog
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.metrics import observe_request
from gateway.http.problems import internal_error
from gateway.http.request_id import HEADER, begin_request
from shared.logs import get_logger
from shared.tracing import TRACEPARENT, begin_span, mark_failed

DRAIN_SECONDS = 15.0
DRAIN_BYTES = 64 * 1024 * 1024
"""At least so much of a refused body is discarded, however small the limit of an upload is."""
CLIENT_CLOSED_REQUEST = 499
_log = get_logger("gateway")


class RequestLog:
    """Gives a request its id, writes its one log line, and answers an unexpected exception without its text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._app(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = exchange.status or CLIENT_CLOSED_REQUEST
        except Exception as error:
            _log.error("request failed", exc_info=error)
            # Once the status line is out, an incomplete body is the only honest sign of failure left.
            if not exchange.status:
                await internal_error(scope)(scope, receive, exchange.send)
        finally:
            exchange.log()


class _Exchange:
    """One request and what was sent in answer to it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()
        self._bytes = 0
        self._complete = False
        self.status = 0
        headers = Headers(scope=scope)
        self.request_id = begin_request(headers.get(HEADER))
        self._span = _begin_span(scope, headers.get(TRACEPARENT))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[HEADER] = self.request_id
        elif message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        await self._send(message)

    def log(self) -> None:
        template = getattr(self._scope.get("route"), "path", "(no route)")
        seconds = time.perf_counter() - self._started
        observe_request(self._scope["method"], template, self.status, seconds)
        self._end_span(template)
        write = _log.debug if template == "/health" and self.status < 400 else _log.info
        write(
            "request",
            method=self._scope["method"],
            route=template,
            status=self.status,
            ms=round(seconds * 1000, 1),
            bytes=self._bytes,
            complete=self._complete,
        )

    def _end_span(self, template: str) -> None:
        self._span.update_name(f"{self._scope['method']} {template}")
        self._span.set_attributes({"http.route": template, "http.response.status_code": self.status})
        if self.status >= 500:
            mark_failed(self._span, str(self.status))
        self._span.end()


def _begin_span(scope: Scope, traceparent: str | None) -> Span:
    if scope["path"] == "/health":
        return INVALID_SPAN  # it is asked every few seconds
    attributes = {"http.request.method": scope["method"]}
    return begin_span(scope["method"], kind=SpanKind.SERVER, parent=traceparent, attributes=attributes)


class BodyDrain:
    """Lets a client that is still sending see an early answer.

    Many clients read only after they have sent everything, and closing a socket with unread bytes makes the kernel
    throw the answer away. So the answer goes out at once, what still arrives is discarded within bounds, and only then
    the connection ends.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _announces_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(receive)

        async def send_then_drain(message: Message) -> None:
            if body.complete:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
                await send(message)
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await body.drain(self._max_bytes)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, body.receive, send_then_drain)


class _Body:
    """A request body, and whether it has ended."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.complete = True
        return message

    async def drain(self, max_bytes: int) -> None:
        # A client that does not stop in time has had its chance; the connection ends either way.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.complete and max_bytes > 0:
                    message = await self.receive()
                    max_bytes -= len(message.get("body", b""))


def _announces_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
