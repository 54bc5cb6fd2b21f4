"""How failures cross gRPC and HTTP: kind → gRPC code → HTTP status, side by side.

| kind | gRPC | HTTP |
|---|---|---|
| InvalidInput | INVALID_ARGUMENT | 422 |
| LimitExceeded | INVALID_ARGUMENT | 400 |
| TooLarge | RESOURCE_EXHAUSTED | 413 |
| Unprocessable | INVALID_ARGUMENT | 422 |
| NotFound | NOT_FOUND | 404 |
| PermissionDenied | PERMISSION_DENIED | 403 |
| QuotaExceeded | RESOURCE_EXHAUSTED | 429 |
| NotReady | FAILED_PRECONDITION | 409 |
| Conflict | ABORTED | 409 |
| RangeNotSatisfiable | OUT_OF_RANGE | 416 |
| Unavailable | UNAVAILABLE | 503 |

A status carries `google.rpc.ErrorInfo` (reason, our domain, the kind and all numbers as metadata), and where they apply
`BadRequest` and `RetryInfo`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from shared.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    NotReady,
    PermissionDenied,
    QuotaExceeded,
    RangeNotSatisfiable,
    ServiceError,
    TooLarge,
    Unavailable,
    Unprocessable,
)

DOMAIN = "neuralearn"
RETRY_SECONDS = 2.0
"""What a caller is told to wait when a part of the system does not answer."""

_LONGEST_TEXT = 400
_MOST_FIELDS = 5
"""A status travels in headers, of which gRPC takes 16 KiB."""


@dataclass(frozen=True)
class Mapping:
    """How one kind of failure shows in either protocol."""

    code: grpc.StatusCode
    http: int
    title: str


KINDS: dict[type[ServiceError], Mapping] = {
    InvalidInput: Mapping(grpc.StatusCode.INVALID_ARGUMENT, 422, "The request is not valid"),
    LimitExceeded: Mapping(grpc.StatusCode.INVALID_ARGUMENT, 400, "The table is too large"),
    TooLarge: Mapping(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, "The file is too large"),
    Unprocessable: Mapping(grpc.StatusCode.INVALID_ARGUMENT, 422, "The input can't be processed"),
    NotFound: Mapping(grpc.StatusCode.NOT_FOUND, 404, "Not found"),
    PermissionDenied: Mapping(grpc.StatusCode.PERMISSION_DENIED, 403, "Not allowed"),
    QuotaExceeded: Mapping(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Quota used up"),
    NotReady: Mapping(grpc.StatusCode.FAILED_PRECONDITION, 409, "Not ready yet"),
    Conflict: Mapping(grpc.StatusCode.ABORTED, 409, "Not possible in this state"),
    RangeNotSatisfiable: Mapping(grpc.StatusCode.OUT_OF_RANGE, 416, "Range not satisfiable"),
    Unavailable: Mapping(grpc.StatusCode.UNAVAILABLE, 503, "Temporarily unavailable"),
}

_KIND_BY_NAME = {kind.__name__: kind for kind in KINDS}
_KIND_BY_CODE: dict[grpc.StatusCode, type[ServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInput,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Unavailable,
}


def mapping_of(error: ServiceError) -> Mapping:
    """The row of the table for this error."""
    for kind in type(error).__mro__:
        if kind in KINDS:
            return KINDS[kind]
    return Mapping(grpc.StatusCode.INTERNAL, 500, "Internal error")


def to_status(error: ServiceError) -> grpc.Status:
    """The gRPC status that carries the error with everything a caller may know."""
    mapping = mapping_of(error)
    status = status_pb2.Status(code=code_pb2.Code.Value(mapping.code.name), message=_short(error.detail))
    metadata = {name: _short(value) for name, value in error.metadata.items()} | {"kind": type(error).__name__}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field.field, description=_short(field.detail))
            for field in error.fields[:_MOST_FIELDS]
        ]
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    answer: grpc.Status = rpc_status.to_status(status)
    return answer


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def from_rpc_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """The error a server meant; a bare ServiceError with reason INTERNAL where it told nothing."""
    status = rpc_status.from_call(error)
    if status is None:
        return _from_code(error)
    info, bad_request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for detail in status.details:
        for message in (info, bad_request, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    metadata = dict(info.metadata)
    kind = _KIND_BY_NAME.get(metadata.pop("kind", ""), ServiceError)
    return kind(
        status.message,
        reason=info.reason or None,
        fields=[FieldError(field=one.field, detail=one.description) for one in bad_request.field_violations],
        metadata=metadata,
        retry_after=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
    )


def _from_code(error: grpc.aio.AioRpcError) -> ServiceError:
    kind = _KIND_BY_CODE.get(error.code(), ServiceError)
    if "larger than max" in (error.details() or ""):
        kind = TooLarge  # gRPC has one code for messages that are too large and calls that are too many
    if kind is Unavailable:
        return Unavailable("A part of the service does not answer; please try again.", retry_after=RETRY_SECONDS)
    return kind(error.details() or "The service could not do this.")


@contextmanager
def service_errors() -> Iterator[None]:
    """Around a call of another service: its gRPC failures come out as our errors."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
