"""The status of a client stream that the server ended early.

When a server answers before the client has finished writing, grpc.aio may overwrite the status it has received with
INTERNAL "Internal error from Core", which is only the failure of the write that came too late (grpc/grpc#36066). Either
the first or the last status comes from the server; the other one is to be ignored.
"""

from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import grpc

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Result = TypeVar("_Result")
_LATE_WRITE_DETAILS = "Internal error from Core"
_STREAM_RESET = "RST_STREAM"


async def stream_to(
    rpc: "grpc.aio.StreamUnaryMultiCallable[_Request, _Response]",
    parts: AsyncIterator[_Request],
    *,
    timeout: float,
    metadata: tuple[tuple[str, str], ...],
) -> _Response:
    """Call a client-streaming method.

    Args:
        rpc: the method.
        parts: the messages to send.
        timeout: deadline in seconds.
        metadata: headers of the call.

    Raises:
        grpc.aio.AioRpcError: with the status of the server; UNAVAILABLE if the server died during the call.
    """
    first: list[grpc.aio.AioRpcError] = []
    call = rpc(parts, timeout=timeout, metadata=metadata)
    call.add_done_callback(lambda ended: first.append(_status_of(ended)))
    try:
        return await call
    except grpc.aio.AioRpcError as last:
        raise _server_status([*first, last]) from None


def _server_status(statuses: list[grpc.aio.AioRpcError]) -> grpc.aio.AioRpcError:
    for status in statuses:
        details = status.details() or ""
        if details != _LATE_WRITE_DETAILS and _STREAM_RESET not in details:
            return status
    return grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "the server went away"
    )


def _status_of(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        _result_of(call.code()),
        grpc.aio.Metadata(),
        _result_of(call.trailing_metadata()),
        _result_of(call.details()),
    )


def _result_of(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that is ready, without awaiting it, which a callback can't do."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: _Result = ended.value
        return result
    finally:
        coroutine.close()
    raise RuntimeError("the call has not ended")
