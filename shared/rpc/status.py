"""The mapping of errors to gRPC codes and HTTP statuses, and their transport over gRPC.

| kind | gRPC | HTTP |
|---|---|---|
| InvalidInput | INVALID_ARGUMENT | 422 |
| LimitExceeded | INVALID_ARGUMENT | 400 |
| TooLarge | RESOURCE_EXHAUSTED | 413 |
| Unprocessable | INVALID_ARGUMENT | 422 |
| NotFound | NOT_FOUND | 404 |
| Unauthenticated | UNAUTHENTICATED | 401 |
| PermissionDenied | PERMISSION_DENIED | 403 |
| QuotaExceeded | RESOURCE_EXHAUSTED | 429 |
| NotReady | FAILED_PRECONDITION | 409 |
| Conflict | ABORTED | 409 |
| RangeNotSatisfiable | OUT_OF_RANGE | 416 |
| Unavailable | UNAVAILABLE | 503 |

A status carries `google.rpc.ErrorInfo` (reason, domain, and the kind and all numbers as metadata), and where they apply
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
    Unauthenticated,
    Unavailable,
    Unprocessable,
)

DOMAIN = "neuralearn"
RETRY_SECONDS = 2.0
"""The `retry_after` of an error that says only that a part of the system does not answer."""

_MAX_TEXT_LENGTH = 400
_MAX_FIELDS = 5
"""A status is sent in headers, which gRPC limits to 16 KiB."""


@dataclass(frozen=True)
class StatusMapping:
    """The gRPC code and HTTP status of a kind of error."""

    code: grpc.StatusCode
    http: int
    title: str


KINDS: dict[type[ServiceError], StatusMapping] = {
    InvalidInput: StatusMapping(grpc.StatusCode.INVALID_ARGUMENT, 422, "The request is not valid"),
    LimitExceeded: StatusMapping(grpc.StatusCode.INVALID_ARGUMENT, 400, "The table is too large"),
    TooLarge: StatusMapping(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, "The file is too large"),
    Unprocessable: StatusMapping(grpc.StatusCode.INVALID_ARGUMENT, 422, "The input can't be processed"),
    NotFound: StatusMapping(grpc.StatusCode.NOT_FOUND, 404, "Not found"),
    Unauthenticated: StatusMapping(grpc.StatusCode.UNAUTHENTICATED, 401, "Not signed in"),
    PermissionDenied: StatusMapping(grpc.StatusCode.PERMISSION_DENIED, 403, "Not allowed"),
    QuotaExceeded: StatusMapping(grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "Quota used up"),
    NotReady: StatusMapping(grpc.StatusCode.FAILED_PRECONDITION, 409, "Not ready yet"),
    Conflict: StatusMapping(grpc.StatusCode.ABORTED, 409, "Not possible in this state"),
    RangeNotSatisfiable: StatusMapping(grpc.StatusCode.OUT_OF_RANGE, 416, "Range not satisfiable"),
    Unavailable: StatusMapping(grpc.StatusCode.UNAVAILABLE, 503, "Temporarily unavailable"),
}

_KIND_BY_NAME = {kind.__name__: kind for kind in KINDS}
_KIND_BY_CODE: dict[grpc.StatusCode, type[ServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidInput,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Unavailable,
}


def mapping_of(error: ServiceError) -> StatusMapping:
    """Return the mapping of an error, by the nearest mapped base class."""
    for kind in type(error).__mro__:
        if kind in KINDS:
            return KINDS[kind]
    return StatusMapping(grpc.StatusCode.INTERNAL, 500, "Internal error")


def to_status(error: ServiceError) -> grpc.Status:
    """Return the gRPC status that carries an error with its details."""
    mapping = mapping_of(error)
    status = status_pb2.Status(code=code_pb2.Code.Value(mapping.code.name), message=_truncate(error.detail))
    metadata = {name: _truncate(value) for name, value in error.metadata.items()} | {"kind": type(error).__name__}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field.field, description=_truncate(field.detail))
            for field in error.fields[:_MAX_FIELDS]
        ]
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    result: grpc.Status = rpc_status.to_status(status)
    return result


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_TEXT_LENGTH else text[: _MAX_TEXT_LENGTH - 1] + "…"


def from_rpc_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """Return the error that a server raised; by its code alone if the status carries no details."""
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
    metadata = dict(sorted(info.metadata.items()))  # a map of protobuf has no order, and answers shall not differ
    kind = _KIND_BY_NAME.get(metadata.pop("kind", ""), ServiceError)
    return kind(
        status.message,
        reason=info.reason or None,
        fields=[
            FieldError(field=violation.field, detail=violation.description)
            for violation in bad_request.field_violations
        ],
        metadata=metadata,
        retry_after=retry.retry_delay.ToMilliseconds() / 1000 if retry.HasField("retry_delay") else None,
    )


def _from_code(error: grpc.aio.AioRpcError) -> ServiceError:
    kind = _KIND_BY_CODE.get(error.code(), ServiceError)
    if "larger than max" in (error.details() or ""):
        kind = TooLarge  # RESOURCE_EXHAUSTED stands for too large a message as well as for too many calls
    if kind is Unavailable:
        return Unavailable("A part of the service does not answer; please try again.", retry_after=RETRY_SECONDS)
    return kind(error.details() or "The service could not do this.")


@contextmanager
def service_errors() -> Iterator[None]:
    """Raise the gRPC errors of the calls in this block as service errors.

    Raises:
        ServiceError: what the other service raised.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
