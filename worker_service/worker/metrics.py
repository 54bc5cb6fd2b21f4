"""Metrics of a worker."""

from prometheus_client import Counter, Histogram

RUNS = Counter("neuralearn_runs", "Attempts at runs, by how they ended.", ["queue", "outcome"])
RUN_SECONDS = Histogram(
    "neuralearn_run_seconds",
    "How long completed runs took.",
    ["queue"],
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)
STAGE_SECONDS = Histogram(
    "neuralearn_run_stage_seconds",
    "How long each stage of a run took.",
    ["stage"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
ATTEMPTS = Counter("neuralearn_run_attempts", "Attempts at runs that were begun.", ["queue"])
RESCUES = Counter("neuralearn_lease_rescues", "Runs taken over from a worker that died.", ["queue"])
EXTENSIONS = Counter("neuralearn_lease_extensions", "Leases that were extended.")
