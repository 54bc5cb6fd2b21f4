"""Durations of HTTP requests, under the name of OpenTelemetry's semantic conventions."""

from prometheus_client import Histogram

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
REQUEST_SECONDS = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took, answer included.",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Record a request; a method that does not exist is no label of its own."""
    REQUEST_SECONDS.labels(method if method in _METHODS else "_OTHER", route, str(status)).observe(seconds)
