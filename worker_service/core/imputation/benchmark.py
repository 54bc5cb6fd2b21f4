"""The benchmark of imputation methods: known cells are hidden, and each method predicts them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from worker_service.core.imputation.association import FEWEST_KNOWN, Sample, correlation, cramers_v
from worker_service.core.imputation.models import (
    MOST_ROWS,
    group_medians,
    group_modes,
    interpolate,
    is_squarable,
    predict_by_boosting,
    predict_by_neighbours,
    predict_levels_by_boosting,
    predict_levels_by_neighbours,
    sample_rows,
)
from worker_service.core.imputation.predictability import rank_cells, take_rows, tree_score
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

Method = Literal[
    "mean",
    "median",
    "mode",
    "group_median",
    "group_mode",
    "interpolation",
    "forward_fill",
    "neighbours",
    "boosting",
]
"""The three constants, then the other methods from the simplest to the most expensive."""
CONSTANTS: tuple[Method, ...] = ("mean", "median", "mode")

MOST_MODELLED = 8
"""Models are fitted for at most so many columns, those that miss most."""
MOST_PREDICTORS = 20
MOST_GROUPINGS = 4
"""At most so many columns, those with the strongest association, are tried as groups."""
BASE_ROWS = 4 * MOST_ROWS
"""So many rows are searched for `MOST_ROWS` with a value."""
FEWEST_SHARE = 0.5
"""The least share of known cells of a predictor."""
WEAKEST = 0.15
"""Models are not fitted where no association with the column to fill is stronger than this."""
MOST_GROUPS = 50
CLEARLY_BETTER = 0.9
"""A winner's error is at most this share of the best constant's error,"""
STANDARD_ERRORS = 2.0
"""and the difference is more than so many standard errors."""
NEARLY_AS_GOOD = 1.05
"""A simpler method whose error is at most this multiple of the least error is preferred."""
_SIMPLEST_FIRST: tuple[Method, ...] = (
    "group_median",
    "group_mode",
    "interpolation",
    "forward_fill",
    "neighbours",
    "boosting",
)
_MODELS = ("neighbours", "boosting")
_KINDS = ("integer", "decimal", "boolean", "category")
_Rows = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]
_Predictor = Callable[[_Rows, _Rows], npt.NDArray[Any]]
"""Takes the indices of the training and of the test rows, returns the predictions for the test rows."""


class Candidate(Value):
    """An imputation method and its error."""

    method: Method
    error: float
    """The mean absolute error on the hidden cells; of levels the share of wrong ones."""
    close: float
    """The share of the hidden cells predicted within one standard deviation of the values; of levels the right ones."""


class ImputationBenchmark(Value):
    """The result of the benchmark for one column."""

    column: str
    hidden: int
    """The number of known cells that were hidden and predicted."""
    candidates: tuple[Candidate, ...]
    """The best first."""
    winner: Method | None
    """None where no method is clearly better than a constant."""
    predictors: tuple[str, ...]
    """The columns that the models read; only the grouping column where groups won."""
    of_levels: bool = False
    """True if levels were predicted, False if numbers were."""


class Described(Protocol):
    """The facts about a column that are read here."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...

    @property
    def distinct(self) -> int:
        """The number of different values."""
        ...

    @property
    def duplicate_of(self) -> str | None:
        """An earlier column with the same cells."""
        ...


def benchmark_imputers(
    columns: Sequence[Described],
    values: Mapping[str, Column],
    *,
    target: str | None,
    leaks: Collection[str],
    time_column: str | None,
) -> tuple[ImputationBenchmark, ...]:
    """Benchmark the imputation methods on each column with missing cells.

    Columns of other types than numbers and levels are left out. Models are fitted only for the columns that miss most.

    Args:
        columns: the facts about the columns.
        values: the values of each column, by name.
        target: the column that a model would predict; it is no predictor and is not filled.
        leaks: the columns that give the target away; they are no predictors.
        time_column: the column in whose ascending order the rows are, if there is one.
    """
    names = [column.name for column in columns if column.name != target and _can_benchmark(column, values[column.name])]
    modelled = set(sorted(names, key=lambda name: -values[name].missing)[:MOST_MODELLED])
    usable = [
        column
        for column in columns
        if _can_predict(column, values[column.name]) and column.name not in {target, *leaks}
    ]
    if time_column not in {column.name for column in usable}:
        time_column = None
    base = _base_rows(values, {*names, *(column.name for column in usable)}, in_order=time_column is not None)
    benchmarks = (
        _benchmark(name, base, [other for other in usable if other.name != name], time_column, models=name in modelled)
        for name in names
    )
    return tuple(benchmark for benchmark in benchmarks if benchmark is not None)


def _base_rows(values: Mapping[str, Column], names: Collection[str], *, in_order: bool) -> dict[str, Column]:
    """Return the rows that all benchmarks share: evenly spaced ones, or the latest where rows are in time order."""
    size = len(next(iter(values.values()), ()))
    rows = np.arange(size)[-BASE_ROWS:] if in_order else np.arange(size)[:: max(1, -(-size // BASE_ROWS))]
    return {name: values[name] if len(rows) == size else take_rows(values[name], rows) for name in names}


def _can_benchmark(column: Described, values: Column) -> bool:
    few = values.is_number or 2 <= column.distinct <= MOST_GROUPS
    return (
        column.type in _KINDS and bool(values.missing) and values.known >= FEWEST_KNOWN and is_squarable(values) and few
    )


def _can_predict(column: Described, values: Column) -> bool:
    """Return True if a column is known in most rows; a sparser one may be dropped before it is needed."""
    known = values.known >= FEWEST_SHARE * len(values)
    return column.type in (*_KINDS, "timestamp") and column.duplicate_of is None and known and is_squarable(values)


def _benchmark(
    name: str, base: Mapping[str, Column], others: Sequence[Described], time_column: str | None, *, models: bool
) -> ImputationBenchmark | None:
    """Benchmark the methods on one column; None where too few of the base rows have a value."""
    known = np.flatnonzero(base[name].present())
    if len(known) < FEWEST_KNOWN:
        return None
    rows = sample_rows(known) if time_column is None else known[-MOST_ROWS:]
    sample, is_number = Sample(base, rows), base[name].is_number
    truth: npt.NDArray[Any] = base[name].numbers()[rows] if is_number else sample.codes(name)
    strength: Callable[[npt.NDArray[Any], Sample, str], float] = correlation if is_number else cramers_v
    groups = [other.name for other in others if other.type == "category" and 2 <= other.distinct <= MOST_GROUPS]
    compared = [other.name for other in others] if models else groups
    strengths = {other: strength(truth, sample, other) for other in compared}
    predictors = _strongest(compared, strengths)[:MOST_PREDICTORS] if models else []
    groups = _strongest(groups, strengths)[:MOST_GROUPINGS]
    if is_number:
        imputers = _number_imputers(truth, sample, predictors, groups, time_column)
        errors = _errors(imputers, lambda predicted, test: np.abs(predicted - truth[test]), rows)
    else:
        imputers = _level_imputers(truth, sample, predictors, groups, in_order=time_column is not None)
        errors = _errors(imputers, lambda predicted, test: predicted != truth[test], rows)
    return _compare(name, errors, predictors, tolerance=float(truth.std()) if is_number else 0.0)


def _strongest(names: Sequence[str], strengths: Mapping[str, float]) -> list[str]:
    """Return the names by descending strength, or none where all are weak."""
    if max((strengths[name] for name in names), default=0.0) < WEAKEST:
        return []
    return sorted((name for name in names if strengths[name] > 0), key=lambda name: -strengths[name])


def _errors(
    imputers: Mapping[str, _Predictor], error: Callable[[npt.NDArray[Any], _Rows], npt.NDArray[Any]], rows: _Rows
) -> dict[str, Numbers]:
    """Return the error of each imputer in each row, by two-fold cross-validation."""
    fold = _folds(len(rows))
    errors: dict[str, Numbers] = {}
    for name, predict in imputers.items():
        if name in _MODELS and any(not of_simpler.any() for of_simpler in errors.values()):
            break  # nothing can be better than a simpler method without an error
        errors[name] = np.empty(len(rows))
        for number in (0, 1):
            train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            errors[name][test] = error(predict(train, test), test)
    return errors


def _number_imputers(
    truth: Numbers, sample: Sample, predictors: list[str], groups: list[str], time_column: str | None
) -> dict[str, _Predictor]:
    imputers: dict[str, _Predictor] = {
        "mean": lambda train, test: np.full(len(test), truth[train].mean()),
        "median": lambda train, test: np.full(len(test), np.median(truth[train])),
    }
    for group in groups:
        imputers[f"group_median {group}"] = _group_median_imputer(sample.codes(group), truth)
    if time_column is not None:
        ticks = sample.numbers(time_column)
        imputers["interpolation"] = lambda train, test: interpolate(
            ticks, truth, test, np.isin(np.arange(len(truth)), train)
        )
        imputers["forward_fill"] = _forward_fill_imputer(truth)
    if predictors:
        table = sample.table(predictors)
        imputers["neighbours"] = lambda train, test: predict_by_neighbours(table, truth, train, test)
        if _is_promising(table, truth, is_classes=False):
            imputers["boosting"] = lambda train, test: predict_by_boosting(table, truth, train, test)
    return imputers


def _level_imputers(
    codes: _Codes, sample: Sample, predictors: list[str], groups: list[str], *, in_order: bool
) -> dict[str, _Predictor]:
    imputers: dict[str, _Predictor] = {
        "mode": lambda train, test: np.full(len(test), np.bincount(codes[train]).argmax()),
    }
    for group in groups:
        imputers[f"group_mode {group}"] = _group_mode_imputer(sample.codes(group), codes)
    if in_order:
        imputers["forward_fill"] = _forward_fill_imputer(codes)
    if predictors:
        table = sample.table(predictors)
        imputers["neighbours"] = lambda train, test: predict_levels_by_neighbours(table, codes, train, test)
        if _is_promising(table, codes, is_classes=True):
            imputers["boosting"] = lambda train, test: predict_levels_by_boosting(table, codes, train, test)
    return imputers


def _is_promising(table: Numbers, truth: npt.NDArray[Any], *, is_classes: bool) -> bool:
    """Return True if one tree predicts better than a constant; a hundred take a hundred times as long.

    Of 1,142 races of curated tables 322 end here; boosting would have won 20 of these.
    """
    fold, ranks = _folds(len(truth)), rank_cells(table)
    target = truth.astype(np.int64) if is_classes else truth
    return sum(tree_score(ranks, target, fold != number, is_classes=is_classes) for number in (0, 1)) > 0


def _folds(rows: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(0).permutation(rows) % 2


def _forward_fill_imputer(truth: npt.NDArray[Any]) -> _Predictor:
    return lambda train, test: truth[train[np.maximum(np.searchsorted(train, test) - 1, 0)]]


def _group_median_imputer(groups: _Codes, truth: Numbers) -> _Predictor:
    def predict(train: _Rows, test: _Rows) -> Numbers:
        # The last entry is for cells without a group, whose code is -1.
        medians = np.full(groups.max(initial=0) + 2, np.median(truth[train]))
        for group, median in group_medians(groups, truth, train).items():
            medians[group] = median
        predicted: Numbers = medians[groups[test]]
        return predicted

    return predict


def _group_mode_imputer(groups: _Codes, codes: _Codes) -> _Predictor:
    def predict(train: _Rows, test: _Rows) -> _Codes:
        modes = np.full(groups.max(initial=0) + 2, np.bincount(codes[train]).argmax())
        for group, mode in group_modes(groups, codes, train).items():
            modes[group] = mode
        predicted: _Codes = modes[groups[test]]
        return predicted

    return predict


def _compare(
    name: str, errors: Mapping[str, Numbers], predictors: list[str], *, tolerance: float
) -> ImputationBenchmark:
    """Rank the methods by their mean error and choose the winner; an error up to the tolerance counts as close."""
    group, best = _best_group(errors)
    means = {method: float(row_errors.mean()) for method, row_errors in best.items()}
    constant = min((method for method in CONSTANTS if method in means), key=lambda method: means[method])
    better = [method for method in _SIMPLEST_FIRST if method in best and _is_better(best[method], best[constant])]
    least = min((means[method] for method in better), default=0.0)
    winner = next((method for method in better if means[method] <= NEARLY_AS_GOOD * least), None)
    close = {method: float((row_errors <= tolerance).mean()) for method, row_errors in best.items()}
    candidates = [Candidate(method=method, error=error, close=close[method]) for method, error in means.items()]
    return ImputationBenchmark(
        column=name,
        hidden=len(best[constant]),
        candidates=tuple(sorted(candidates, key=lambda candidate: candidate.error)),
        winner=winner,
        predictors=(group,) if winner in ("group_median", "group_mode") else tuple(predictors),
        of_levels=constant == "mode",
    )


def _best_group(errors: Mapping[str, Numbers]) -> tuple[str, dict[Method, Numbers]]:
    """Return the best grouping column, and the errors by method with only that column's groups."""
    parts = {name: name.partition(" ") for name in errors}
    best = min((name for name in errors if parts[name][1]), key=lambda name: float(errors[name].mean()), default="")
    kept: dict[Any, Numbers] = {parts[name][0]: errors[name] for name in errors if name == best or not parts[name][1]}
    return best.partition(" ")[2], kept


def _is_better(errors: Numbers, constant: Numbers) -> bool:
    gain = constant - errors
    is_clear = float(errors.mean()) <= CLEARLY_BETTER * float(constant.mean())
    return is_clear and float(gain.mean()) > STANDARD_ERRORS * float(gain.std()) / np.sqrt(len(gain))
