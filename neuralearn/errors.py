"""What can go wrong, as exceptions whose message is a sentence for people."""

from collections.abc import Mapping
from typing import Any


class NeuraLearnError(Exception):
    """The base of all errors of this package."""


class ConnectionFailed(NeuraLearnError):
    """The service could not be reached, or the connection broke."""


class TimedOut(NeuraLearnError):
    """A preparation did not end in the time allowed; it goes on."""


class PreparationFailed(NeuraLearnError):
    """A preparation ended without a result.

    `dataset_id` and `reason`, a stable name for programs, say which and why.
    """

    def __init__(self, message: str, *, dataset_id: str, reason: str) -> None:
        super().__init__(message)
        self.dataset_id = dataset_id
        self.reason = reason


class ApiError(NeuraLearnError):
    """The service refused a request; the message is its sentence.

    `status` is that of HTTP, `reason` a stable name for programs, `request_id` finds the request in the logs of the
    service, and `retry_after` is how many seconds to wait where asking again may help.
    """

    def __init__(
        self, detail: str, *, status: int, reason: str, request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.request_id = request_id
        self.retry_after = retry_after


class NotReadyError(ApiError):
    """The result is not there (yet): the dataset is being prepared, or has no such result."""


def api_error(status: int, problem: Any, headers: Mapping[str, str]) -> ApiError:
    """Return the error for an answer that is none of success.

    Args:
        status: the status of HTTP.
        problem: the body, a problem of RFC 9457 where it comes from the service.
        headers: the headers of the answer.
    """
    given = problem if isinstance(problem, dict) else {}
    wait = headers.get("retry-after", "")
    make = NotReadyError if status == 409 else ApiError
    return make(
        str(given.get("detail") or given.get("title") or f"The server answered {status}."),
        status=status,
        reason=str(given.get("reason") or "UNKNOWN"),
        request_id=headers.get("x-request-id", ""),
        retry_after=float(wait) if wait.isdigit() else None,
    )
