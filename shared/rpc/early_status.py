"""The status of a client stream that the server ended early.

When a server answers before the client has finished writing, grpc.aio may overwrite the status it has received with
INTERNAL "Internal error from Core", which is only the failure of the write that came too late (grpc/grpc#36066). The
status that came first or the one that came last is the server's; the other is noise.
"""

from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import grpc

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")
_Value = TypeVar("_Value")
_LATE_WRITE = "Internal error from Core"
_CUT = "RST_STREAM"


async def stream_to(
    rpc: "grpc.aio.StreamUnaryMultiCallable[_Request, _Answer]",
    parts: AsyncIterator[_Request],
    *,
    timeout: float,
    metadata: tuple[tuple[str, str], ...],
) -> _Answer:
    """Call a client-streaming method.

    Raises:
        grpc.aio.AioRpcError: with the server's status; UNAVAILABLE where the server died in the middle.
    """
    first: list[grpc.aio.AioRpcError] = []
    call = rpc(parts, timeout=timeout, metadata=metadata)
    call.add_done_callback(lambda ended: first.append(_status_of(ended)))
    try:
        return await call
    except grpc.aio.AioRpcError as last:
        raise _servers_own([*first, last]) from None


def _servers_own(statuses: list[grpc.aio.AioRpcError]) -> grpc.aio.AioRpcError:
    for status in statuses:
        details = status.details() or ""
        if details != _LATE_WRITE and _CUT not in details:
            return status
    return grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "the server went away"
    )


def _status_of(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        _settled(call.code()),
        grpc.aio.Metadata(),
        _settled(call.trailing_metadata()),
        _settled(call.details()),
    )


def _settled(coroutine: Coroutine[Any, Any, _Value]) -> _Value:
    """The value of a coroutine that has nothing left to wait for; awaiting it would be too late."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        value: _Value = ended.value
        return value
    finally:
        coroutine.close()
    raise RuntimeError("the call has not ended")
