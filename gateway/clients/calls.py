"""Shared by the clients: one way to call an rpc, and the page of a list."""

from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from gateway.http.forwarded import current_forwarded
from gateway.http.request_id import HEADER, current_request_id
from shared.rpc.calls import client_call, trace_metadata
from shared.rpc.channel import QUERY_SECONDS
from shared.rpc.metrics import method_of
from shared.rpc.status import service_errors

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response")


@dataclass(frozen=True)
class Page:
    """The requested page of a list."""

    size: int
    token: str


async def call(
    rpc: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, *, timeout: float = QUERY_SECONDS
) -> Response:
    """Call an rpc with a deadline and the id of the REST request.

    Raises:
        ServiceError: what the service answered.
    """
    forwarded = current_forwarded()
    with service_errors(), client_call(method_of(request)):
        pending = rpc(request, timeout=timeout, metadata=metadata())
        try:
            answer = await pending
        except grpc.aio.AioRpcError as error:
            forwarded.keep_standing(error.trailing_metadata())
            raise
        forwarded.keep_standing(await pending.trailing_metadata())
        return answer


def metadata() -> tuple[tuple[str, str], ...]:
    """Return the metadata that every call carries.

    Raises:
        Unauthenticated: the caller's credential can't be one.
    """
    return ((HEADER, current_request_id()), *trace_metadata(), *current_forwarded().metadata())
