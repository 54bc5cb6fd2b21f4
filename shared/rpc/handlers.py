"""Wrapping of gRPC handlers of all four kinds."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from shared.errors import InvalidInput

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Unary: TypeAlias = Callable[[Any, Context], Awaitable[Any]]
Streaming: TypeAlias = Callable[[Any, Context], AsyncIterator[Any]]

_MALFORMED = object()
_FACTORIES = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""The function that makes a handler, by whether the request and whether the response is a stream."""


def wrap_handler(
    handler: Handler, *, unary: Callable[[Unary], Unary], streaming: Callable[[Streaming], Streaming]
) -> Handler:
    """Return a handler whose behaviour is wrapped, by `streaming` if it answers with a stream, else by `unary`."""
    behaviour = _behaviour(handler)
    wrapped = streaming(behaviour) if handler.response_streaming else unary(behaviour)
    return _rebuild(handler, wrapped, handler.request_deserializer)


def tolerate_malformed(handler: Handler) -> Handler:
    """Return a handler whose deserializer does not raise: `require_well_formed` does, where errors are mapped.

    gRPC would answer a message that can't be read with the name of the library's exception.
    """
    deserialize: Any = handler.request_deserializer

    def tolerant(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return _MALFORMED

    return _rebuild(handler, _behaviour(handler), tolerant)


def _behaviour(handler: Handler) -> Any:
    return handler.stream_stream or handler.unary_stream or handler.stream_unary or handler.unary_unary


def _rebuild(handler: Handler, behaviour: Any, deserializer: Any) -> Handler:
    factory: Any = _FACTORIES[bool(handler.request_streaming), bool(handler.response_streaming)]
    rebuilt: Handler = factory(behaviour, deserializer, handler.response_serializer)
    return rebuilt


def require_well_formed(request: Any) -> Any:
    """Return a request, or the stream of requests with each of its messages checked.

    Raises:
        InvalidInput: the message can't be read.
    """
    if hasattr(request, "__anext__"):
        return _checked(request)
    if request is _MALFORMED:
        raise InvalidInput("The message is not of the type that this rpc takes.", reason="MALFORMED_MESSAGE")
    return request


async def _checked(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield require_well_formed(request)
