"""The kinds of failure that a caller can meet, independent of the transport.

    ServiceError
    ├── InvalidInput        the request or the data is wrong; repeating it can't help
    ├── LimitExceeded       the table has more rows or columns than the service takes
    ├── TooLarge            more bytes than the service takes
    ├── Unprocessable       the bytes are not a table the service can read
    ├── NotFound            the resource does not exist
    ├── Unauthenticated     the caller does not prove who it is
    ├── PermissionDenied    the caller may not do this
    ├── QuotaExceeded       the caller's quota is used up
    ├── NotReady            the resource exists, its result does not yet
    ├── Conflict            the resource is in a state that does not allow this
    ├── RangeNotSatisfiable the requested bytes lie outside the file
    └── Unavailable         a part of the system does not answer; try again

Each error carries a stable UPPER_SNAKE `reason` that a program can branch on, a `detail` sentence for people, optional
field errors, and `metadata` that repeats every number of the sentence. `shared/rpc/status.py` maps kinds to gRPC
and HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """A wrong field of a request."""

    field: str
    detail: str
    """What is wrong with it."""


class ServiceError(Exception):
    """A failure with a reason that the caller may see."""

    default_reason = "INTERNAL"

    def __init__(
        self,
        detail: str,
        *,
        reason: str | None = None,
        fields: Sequence[FieldError] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or self.default_reason
        self.fields = tuple(fields)
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        """Seconds after which a retry makes sense; None where it does not."""


class InvalidInput(ServiceError):
    """The request is wrong; repeating it can't help."""

    default_reason = "INVALID_INPUT"


class LimitExceeded(ServiceError):
    """The table has more rows or columns than the service takes."""

    default_reason = "TABLE_TOO_LARGE"


class TooLarge(ServiceError):
    """More bytes than the service takes."""

    default_reason = "FILE_TOO_LARGE"


class Unprocessable(ServiceError):
    """The bytes are not a table the service can read."""

    default_reason = "UNREADABLE_FILE"


class NotFound(ServiceError):
    """The resource does not exist."""

    default_reason = "NOT_FOUND"


class Unauthenticated(ServiceError):
    """The caller does not prove who it is."""

    default_reason = "UNAUTHENTICATED"


class PermissionDenied(ServiceError):
    """The caller may not do this."""

    default_reason = "PERMISSION_DENIED"


class QuotaExceeded(ServiceError):
    """The caller's quota is used up."""

    default_reason = "QUOTA_EXCEEDED"


class NotReady(ServiceError):
    """The resource exists, its result does not yet."""

    default_reason = "NOT_READY"


class Conflict(ServiceError):
    """The resource is in a state that does not allow this."""

    default_reason = "CONFLICT"


class RangeNotSatisfiable(ServiceError):
    """The requested bytes lie outside the file."""

    default_reason = "RANGE_NOT_SATISFIABLE"


class Unavailable(ServiceError):
    """A part of the system does not answer; try again."""

    default_reason = "UNAVAILABLE"
