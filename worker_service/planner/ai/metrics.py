"""Prometheus metrics of the calls to a language model."""

from prometheus_client import Counter, Histogram

AI_CALLS = Counter("neuralearn_ai_calls", "Questions to a language model, by how they ended.", ["model", "outcome"])
AI_TOKENS = Counter("neuralearn_ai_tokens", "Tokens asked and answered.", ["model", "direction"])
AI_SECONDS = Histogram(
    "neuralearn_ai_call_seconds",
    "How long questions to a language model took, with their retry.",
    ["model"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 20, 45, 90),
)
