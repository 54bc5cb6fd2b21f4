"""Durations of gRPC calls, under the names of OpenTelemetry's semantic conventions 1.45."""

from functools import cache

from google.protobuf.message import Message
from prometheus_client import Histogram

_LABELS = ("rpc_system_name", "rpc_method", "rpc_response_status_code")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
SERVER_SECONDS = Histogram(
    "rpc_server_call_duration_seconds", "How long calls took that were served.", _LABELS, buckets=_BUCKETS
)
CLIENT_SECONDS = Histogram(
    "rpc_client_call_duration_seconds",
    "How long calls took that got one answer from another service.",
    _LABELS,
    buckets=_BUCKETS,
)


def observe_call(histogram: Histogram, method: str, code: str, seconds: float) -> None:
    """Record a call.

    Args:
        histogram: the calls that were served, or those that were made.
        method: `/package.Service/Method`, one that exists: others would be labels without bound.
        code: the name of its status.
        seconds: how long it took.
    """
    histogram.labels("grpc", method.removeprefix("/"), code).observe(seconds)


def method_of(request: Message) -> str:
    """Return the rpc that a request belongs to; in our contracts, each has a request of its own."""
    return _methods(request.DESCRIPTOR.file).get(request.DESCRIPTOR.name, request.DESCRIPTOR.full_name)


@cache
def _methods(file: object) -> dict[str, str]:
    services = file.services_by_name.values()  # type: ignore[attr-defined]
    return {
        method.input_type.name: f"{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
    }
