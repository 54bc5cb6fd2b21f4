"""Rule for the imputation method that has won the benchmark on hidden cells."""

from typing import Any, Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, number, percent
from worker_service.core.imputation.benchmark import CONSTANTS, Candidate, ImputationBenchmark, Method
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import FillByGroup, FillByLevel, FillByModel, FillByTime

_METHOD_NAMES: dict[Method, str] = {
    "mean": "the mean",
    "median": "the median",
    "mode": "the most frequent value",
    "group_median": "the median of the group",
    "group_mode": "the most frequent value of the group",
    "interpolation": "the line between the neighbours in time",
    "forward_fill": "the value before",
    "neighbours": "the most similar rows",
    "boosting": "gradient boosting",
}


def fill_by_winner(
    column: ColumnProfile, profile: Profile, benchmark: ImputationBenchmark
) -> FillByGroup | FillByLevel | FillByTime | FillByModel:
    """Return the step for a winner that is neither a constant nor the previous value."""
    common: dict[str, Any] = {
        "column": column.name,
        "why": explain_benchmark(benchmark),
        "confidence": share_close(benchmark, benchmark.winner or "median"),
    }
    if benchmark.winner == "group_mode":
        fields = {"most": True, "fallback": column.top_values[0].value, "rule": "fill_by_group"}
        return FillByLevel(kind="fill_by_level", by=benchmark.predictors[0], **fields, **common)
    decimals = None if column.numbers is None else column.numbers.decimals
    if benchmark.winner == "group_median" and column.numbers is not None:
        fallback = column.numbers.median or 0.0
        fields = {"by": benchmark.predictors[0], "fallback": fallback, "rule": "fill_by_group", "decimals": decimals}
        return FillByGroup(kind="fill_by_group", **fields, **common)
    if benchmark.winner == "interpolation":
        fields = {"by": profile.time_column or "", "rule": "fill_by_time", "decimals": decimals}
        return FillByTime(kind="fill_by_time", **fields, **common)
    model: Literal["neighbours", "boosting"] = "neighbours" if benchmark.winner == "neighbours" else "boosting"
    fields = {"predictors": benchmark.predictors, "rule": f"fill_by_{model}", "decimals": decimals}
    return FillByModel(kind="fill_by_model", model=model, **fields, **common)


def explain_benchmark(benchmark: ImputationBenchmark, *, chosen: str | None = None) -> str:
    """Return the result of the benchmark in one or two sentences.

    Args:
        benchmark: the result.
        chosen: the constant that is taken where no method has won.
    """
    hidden = count(benchmark.hidden, "known cell")
    constant = _constant(benchmark)
    if benchmark.winner is None:
        scores = _scores(benchmark)
        if chosen == "mean" == [other.method for other in benchmark.candidates if other.method in CONSTANTS][-1]:
            scores += ", which is as close and keeps the average"
        return f"Nothing guesses clearly better than one value for all: of {hidden} that were hidden, {scores}."
    others = [candidate for candidate in benchmark.candidates if candidate.method not in (benchmark.winner, *CONSTANTS)]
    winner = _winner(benchmark)
    if benchmark.of_levels:
        runner_up = f", {_METHOD_NAMES[others[0].method]} {_format_accuracy(others[0])}" if others else ""
        return (
            f"Of {hidden} that were hidden, it got {_format_accuracy(winner)} right{runner_up}, "
            f"{_METHOD_NAMES[constant.method]} {_format_accuracy(constant)}."
        )
    runner_up = f", {_METHOD_NAMES[others[0].method]} by {_format_error(others[0])}" if others else ""
    return (
        f"Of {hidden} that were hidden, it missed the truth by {_format_error(winner)} on average{runner_up}, "
        f"{_METHOD_NAMES[constant.method]} by {_format_error(constant)}."
    )


def _scores(benchmark: ImputationBenchmark) -> str:
    best, *others = benchmark.candidates
    constants = [candidate for candidate in others if candidate.method in CONSTANTS]
    if benchmark.of_levels:
        more = "".join(f", {_METHOD_NAMES[other.method]} {_format_accuracy(other)}" for other in constants)
        return f"{_METHOD_NAMES[best.method]} got {_format_accuracy(best)} right{more}"
    more = "".join(f", {_METHOD_NAMES[other.method]} by {_format_error(other)}" for other in constants)
    return f"{_METHOD_NAMES[best.method]} missed by {_format_error(best)} on average{more}"


def _winner(benchmark: ImputationBenchmark) -> Candidate:
    return next(candidate for candidate in benchmark.candidates if candidate.method == benchmark.winner)


def _constant(benchmark: ImputationBenchmark) -> Candidate:
    """Return the best candidate that fills all cells with one value."""
    return next(candidate for candidate in benchmark.candidates if candidate.method in CONSTANTS)


def _format_accuracy(candidate: Candidate) -> str:
    return percent(1 - candidate.error)


def _format_error(candidate: Candidate) -> str:
    return number(float(f"{candidate.error:.3g}"))


def share_close(benchmark: ImputationBenchmark, method: str) -> float:
    """Return the share of the hidden cells for which a method was right, or close if they were numbers."""
    return round(next(candidate.close for candidate in benchmark.candidates if candidate.method == method), 2)
