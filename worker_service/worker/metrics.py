"""Prometheus metrics of a worker, served on METRICS_PORT."""

from prometheus_client import Counter, Histogram, start_http_server

RUNS = Counter("neuralearn_runs", "Attempts at runs, by how they ended.", ["queue", "outcome"])
RUN_SECONDS = Histogram(
    "neuralearn_run_seconds",
    "How long completed runs took.",
    ["queue"],
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)


def serve_metrics(host: str, port: int) -> None:
    """Serve `/metrics` of this process from a thread.

    Raises:
        SystemExit: the port is taken; the message names METRICS_PORT.
    """
    try:
        start_http_server(port, addr=host)
    except OSError as error:
        raise SystemExit(f"METRICS_PORT: {host}:{port} can't be listened on ({error.strerror})") from None
