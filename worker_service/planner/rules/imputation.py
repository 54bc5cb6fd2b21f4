"""Proposes the way to fill that the benchmark on hidden cells found best."""

from typing import Any, Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, number, percent
from worker_service.core.imputation.benchmark import CONSTANTS, Candidate, ImputationBenchmark, Method
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import FillByGroup, FillByLevel, FillByModel, FillByTime

_NAMES: dict[Method, str] = {
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
    """The step where something other than a constant or the value before has won."""
    because: dict[str, Any] = {
        "column": column.name,
        "why": explain_benchmark(benchmark),
        "confidence": _confidence(benchmark),
    }
    if benchmark.winner == "group_mode":
        most = {"most": True, "fallback": column.top_values[0].value, "rule": "fill_by_group"}
        return FillByLevel(kind="fill_by_level", by=benchmark.predictors[0], **most, **because)
    decimals = None if column.numbers is None else column.numbers.decimals
    if benchmark.winner == "group_median" and column.numbers is not None:
        fallback = column.numbers.median or 0.0
        group = {"by": benchmark.predictors[0], "fallback": fallback, "rule": "fill_by_group", "decimals": decimals}
        return FillByGroup(kind="fill_by_group", **group, **because)
    if benchmark.winner == "interpolation":
        time = {"by": profile.time_column or "", "rule": "fill_by_time", "decimals": decimals}
        return FillByTime(kind="fill_by_time", **time, **because)
    model: Literal["neighbours", "boosting"] = "neighbours" if benchmark.winner == "neighbours" else "boosting"
    learnt = {"predictors": benchmark.predictors, "rule": f"fill_by_{model}", "decimals": decimals}
    return FillByModel(kind="fill_by_model", model=model, **learnt, **because)


def explain_benchmark(benchmark: ImputationBenchmark) -> str:
    """Return the benchmark in a sentence or two."""
    hidden = count(benchmark.hidden, "known cell")
    constant = _constant(benchmark)
    if benchmark.winner is None:
        scores = _scores(benchmark)
        return f"Nothing guesses clearly better than one value for all: of {hidden} that were hidden, {scores}."
    others = [one for one in benchmark.candidates if one.method not in (benchmark.winner, *CONSTANTS)]
    winner = next(one for one in benchmark.candidates if one.method == benchmark.winner)
    if benchmark.of_levels:
        runner_up = f", {_NAMES[others[0].method]} {_right(others[0])}" if others else ""
        it = f"it got {_right(winner)} right"
        return f"Of {hidden} that were hidden, {it}{runner_up}, {_NAMES[constant.method]} {_right(constant)}."
    runner_up = f", {_NAMES[others[0].method]} by {_off(others[0])}" if others else ""
    return (
        f"Of {hidden} that were hidden, it missed the truth by {_off(winner)} on average{runner_up}, "
        f"{_NAMES[constant.method]} by {_off(constant)}."
    )


def _scores(benchmark: ImputationBenchmark) -> str:
    best, *others = benchmark.candidates
    if benchmark.of_levels:
        more = f", {_NAMES[others[0].method]} {_right(others[0])}" if others else ""
        return f"{_NAMES[best.method]} got {_right(best)} right{more}"
    more = f", {_NAMES[others[0].method]} by {_off(others[0])}" if others else ""
    return f"{_NAMES[best.method]} missed by {_off(best)} on average{more}"


def _constant(benchmark: ImputationBenchmark) -> Candidate:
    """The best of the guessers that say the same for all."""
    return next(one for one in benchmark.candidates if one.method in CONSTANTS)


def _right(candidate: Candidate) -> str:
    return percent(1 - candidate.error)


def _off(candidate: Candidate) -> str:
    return number(float(f"{candidate.error:.3g}"))


def _confidence(benchmark: ImputationBenchmark) -> float:
    """The share of levels that was right; for numbers half where as far off as a constant, nearly 1 where exact."""
    winner = next(one.error for one in benchmark.candidates if one.method == benchmark.winner)
    if benchmark.of_levels:
        return round(1 - winner, 2)
    constant = _constant(benchmark).error
    return round(0.95 - 0.45 * winner / constant, 2) if constant else 0.5
