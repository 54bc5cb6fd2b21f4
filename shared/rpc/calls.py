"""Calls to other services: each is measured, and belongs to the trace of what it is made for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import structlog
from opentelemetry.trace import SpanKind

from shared.rpc.interceptors import REQUEST_ID_KEY
from shared.rpc.metrics import CLIENT_SECONDS, observe_call
from shared.tracing import TRACEPARENT, current_traceparent, mark_failed, span


@contextmanager
def client_call(method: str) -> Iterator[None]:
    """Measure and trace the call that is made and awaited in the block.

    Args:
        method: `package.Service/Method`.
    """
    started, code = time.perf_counter(), grpc.StatusCode.CANCELLED
    with span(method, kind=SpanKind.CLIENT, attributes={"rpc.system.name": "grpc", "rpc.method": method}) as current:
        try:
            yield
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
            mark_failed(current, code.name)
            raise
        finally:
            current.set_attribute("rpc.response.status_code", code.name)
            observe_call(CLIENT_SECONDS, method, code.name, time.perf_counter() - started)


def trace_metadata() -> tuple[tuple[str, str], ...]:
    """Return the metadata by which a call belongs to the current trace; none without traces."""
    traceparent = current_traceparent()
    return () if traceparent is None else ((TRACEPARENT, traceparent),)


def request_metadata() -> tuple[tuple[str, str], ...]:
    """Return the metadata by which a call belongs to the request that is served now, and to its trace."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return (*(((REQUEST_ID_KEY, str(request_id)),) if request_id else ()), *trace_metadata())
