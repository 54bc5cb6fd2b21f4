"""Metrics of a worker."""

from prometheus_client import Counter, Histogram

RUNS = Counter("neuralearn_runs", "Attempts at runs, by how they ended.", ["queue", "outcome"])
RUN_SECONDS = Histogram(
    "neuralearn_run_seconds",
    "How long completed runs took.",
    ["queue"],
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)
