"""The server interceptor: a request id, a log line with the duration, and error mapping."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from shared.errors import ServiceError
from shared.logs import get_logger
from shared.metrics import ERRORS
from shared.rpc.handlers import (
    Context,
    MaybeHandler,
    Streaming,
    Unary,
    require_well_formed,
    tolerate_malformed,
    wrap_handler,
)
from shared.rpc.metrics import SERVER_SECONDS, observe_call
from shared.rpc.status import mapping_of, to_status
from shared.tracing import TRACEPARENT, begin_span, mark_failed

REQUEST_ID_KEY = "x-request-id"
_UNLOGGED = ("/grpc.health.v1.Health/", "/grpc.reflection.")
_QUIET = "/externalscaler."
"""KEDA asks every few seconds; what it asks is no event."""
_FAULTS = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))
"""The codes that are the fault of the server, as OpenTelemetry has it; others are that of the caller."""
_log = get_logger("rpc")


class RpcInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler; an unexpected exception becomes INTERNAL without its text."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Return the handler of this method wrapped in a `_LoggedCall`."""
        handler = await continuation(details)
        if handler is None or details.method.startswith(_UNLOGGED):
            return handler
        metadata = {key: value for key, value in details.invocation_metadata or () if isinstance(value, str)}
        logged_call = _LoggedCall(
            details.method, metadata.get(REQUEST_ID_KEY) or uuid.uuid4().hex, metadata.get(TRACEPARENT)
        )
        return wrap_handler(tolerate_malformed(handler), unary=logged_call.unary, streaming=logged_call.streaming)


class _LoggedCall:
    """A call that is logged and whose errors are mapped."""

    def __init__(self, method: str, request_id: str, traceparent: str | None) -> None:
        self.method = method
        self.request_id = request_id
        self.started = time.perf_counter()
        self._traceparent = traceparent
        self._span: Span = INVALID_SPAN

    def unary(self, handler: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            self._begin()
            try:
                response = await handler(require_well_formed(request), context)
            except asyncio.CancelledError:
                self._end("CANCELLED")
                raise
            except Exception as error:
                await self._fail(error, context)
            self._end("OK")
            return response

        return call

    def streaming(self, handler: Streaming) -> Streaming:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            self._begin()
            try:
                async for response in handler(require_well_formed(request), context):
                    yield response
            except (asyncio.CancelledError, GeneratorExit):
                self._end("CANCELLED")
                raise
            except Exception as error:
                await self._fail(error, context)
            self._end("OK")

        return call

    def _begin(self) -> None:
        self.started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=self.request_id)
        if not self.method.startswith(_QUIET):
            name = self.method.removeprefix("/")
            attributes = {"rpc.system.name": "grpc", "rpc.method": name}
            self._span = begin_span(name, kind=SpanKind.SERVER, parent=self._traceparent, attributes=attributes)

    def _end(self, code: str, **details: Any) -> None:
        seconds = self._measure(code)
        milliseconds = round(seconds * 1000, 1)
        log = _log.debug if self.method.startswith(_QUIET) else _log.info
        log("rpc finished", method=self.method, code=code, ms=milliseconds, **details)

    def _measure(self, code: str) -> float:
        """Record how long the call took, in seconds, and how it ended."""
        seconds = time.perf_counter() - self.started
        observe_call(SERVER_SECONDS, self.method, code, seconds)
        self._span.set_attribute("rpc.response.status_code", code)
        if code in _FAULTS:
            mark_failed(self._span, code)
        self._span.end()
        return seconds

    async def _fail(self, error: Exception, context: Context) -> None:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        if isinstance(error, ServiceError):
            ERRORS.labels(error.reason).inc()
            self._end(mapping_of(error).code.name, reason=error.reason)
            await context.abort_with_status(to_status(error))
        ERRORS.labels("INTERNAL").inc()
        self._measure("INTERNAL")
        _log.error("rpc failed", method=self.method, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, f"internal error, request {self.request_id}")
