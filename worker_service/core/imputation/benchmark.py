"""A race between ways to guess missing numbers and levels: known cells are hidden, and every way guesses them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from worker_service.core.imputation.models import (
    MOST_ROWS,
    by_boosting,
    by_neighbours,
    by_time,
    feature,
    group_medians,
    group_modes,
    levels_by_boosting,
    levels_by_neighbours,
    moderate,
    sampled,
)
from worker_service.core.imputation.predictability import taken
from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

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
"""From the simplest to the most laborious, after the three constants."""
CONSTANTS: tuple[Method, ...] = ("mean", "median", "mode")

FEWEST_KNOWN = 60
MOST_RACES = 8
"""So many columns, those that miss most, are raced by models too."""
MOST_PREDICTORS = 20
MOST_GROUPINGS = 4
"""So many columns, those that go with it most, are tried as groups."""
BASE_ROWS = 4 * MOST_ROWS
"""So many rows are looked at to find `MOST_ROWS` with a value."""
FEWEST_SHARE = 0.5
"""Only columns that are known in so many rows are looked at."""
WEAKEST = 0.15
"""Models do not race where no column goes with the gaps' column more than this."""
MOST_PARTS = 12
MOST_GROUPS = 50
CLEARLY_BETTER = 0.9
"""A winner's error is at most this share of the better constant's,"""
STANDARD_ERRORS = 2.0
"""and the difference is so many standard errors."""
NEARLY_AS_GOOD = 1.05
"""A simpler way that is at most this much worse than the best is taken instead."""
_SIMPLEST_FIRST: tuple[Method, ...] = (
    "group_median",
    "group_mode",
    "interpolation",
    "forward_fill",
    "neighbours",
    "boosting",
)
_KINDS = ("integer", "decimal", "boolean", "category")
_Places = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]
_Guess = Callable[[_Places, _Places], npt.NDArray[Any]]
"""The guesses for some rows, told by other rows."""


class Candidate(Value):
    """One way of guessing and how far off it was."""

    method: Method
    error: float
    """The mean absolute distance of its guesses from the hidden cells; of levels the share that it got wrong."""


class ImputationBenchmark(Value):
    """What guesses a column's missing cells best."""

    column: str
    hidden: int
    """Known cells that were hidden and guessed."""
    candidates: tuple[Candidate, ...]
    """The best first."""
    winner: Method | None
    """None where nothing is clearly better than one number for all."""
    predictors: tuple[str, ...]
    """The columns that the models look at, the group's column alone where groups won."""
    of_levels: bool = False
    """Whether levels were guessed and not numbers."""


class Described(Protocol):
    """What is needed to know about a column."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def distinct(self) -> int: ...
    @property
    def duplicate_of(self) -> str | None: ...


def benchmark_imputers(
    columns: Sequence[Described],
    values: Mapping[str, Column],
    *,
    target: str | None,
    leaks: Collection[str],
    time_column: str | None,
) -> tuple[ImputationBenchmark, ...]:
    """One race for each column of numbers or levels with gaps, models only for those that miss most.

    Neither the target nor a column that gives it away may tell what is missing.
    """
    racing = [
        column.name for column in columns if column.name != target and _can_benchmark(column, values[column.name])
    ]
    laborious = set(sorted(racing, key=lambda name: -values[name].missing)[:MOST_RACES])
    usable = [
        column for column in columns if _can_tell(column, values[column.name]) and column.name not in {target, *leaks}
    ]
    if time_column not in {column.name for column in usable}:
        time_column = None
    base = _base(values, {*racing, *(column.name for column in usable)}, in_order=time_column is not None)
    benchmarks = (
        _benchmark(name, base, _beside(name, usable), time_column, models=name in laborious) for name in racing
    )
    return tuple(benchmark for benchmark in benchmarks if benchmark is not None)


def _base(values: Mapping[str, Column], names: Collection[str], *, in_order: bool) -> dict[str, Column]:
    """Rows that all races look at: evenly spaced, or the last ones where they are in the order of time."""
    rows = len(next(iter(values.values()), ()))
    places = np.arange(rows)[:: max(1, -(-rows // BASE_ROWS))] if not in_order else np.arange(rows)[-BASE_ROWS:]
    return {name: values[name] if len(places) == rows else taken(values[name], places) for name in names}


def _can_benchmark(column: Described, values: Column) -> bool:
    few = values.is_number or 2 <= column.distinct <= MOST_GROUPS
    return column.type in _KINDS and bool(values.missing) and values.known >= FEWEST_KNOWN and moderate(values) and few


def _can_tell(column: Described, values: Column) -> bool:
    """Whether a column says something in most rows; one that says little may be dropped before it is needed."""
    kinds = (*_KINDS, "timestamp")
    known = values.known >= FEWEST_SHARE * len(values)
    return column.type in kinds and column.duplicate_of is None and known and moderate(values)


def _beside(name: str, columns: Sequence[Described]) -> list[Described]:
    return [column for column in columns if column.name != name]


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows in which the column to race is known."""

    base: Mapping[str, Column]
    rows: _Places

    def codes(self, name: str) -> _Codes:
        """The places of a column's levels; -1 for missing."""
        return self.base[name].derive(distinct).codes[self.rows]

    def numbers(self, name: str) -> Numbers:
        """A column as a model sees it."""
        return self.base[name].derive(feature)[self.rows]

    def table(self, names: Sequence[str]) -> Numbers:
        """Several columns, rows × columns."""
        return np.stack([self.numbers(name) for name in names], axis=1)


def _benchmark(
    name: str, base: Mapping[str, Column], others: Sequence[Described], time_column: str | None, *, models: bool
) -> ImputationBenchmark | None:
    """None where too few of the rows looked at have a value."""
    known = np.flatnonzero(base[name].present())
    if len(known) < FEWEST_KNOWN:
        return None
    rows = sampled(known) if time_column is None else known[-MOST_ROWS:]
    sample, is_number = _Sample(base, rows), base[name].is_number
    truth: npt.NDArray[Any] = base[name].numbers()[rows] if is_number else sample.codes(name)
    strength: Callable[[npt.NDArray[Any], _Sample, str], float] = _strength if is_number else _association
    groups = [other.name for other in others if other.type == "category" and 2 <= other.distinct <= MOST_GROUPS]
    looked_at = [other.name for other in others] if models else groups
    strengths = {other: strength(truth, sample, other) for other in looked_at}
    predictors = _strongest(looked_at, strengths)[:MOST_PREDICTORS] if models else []
    groups = _strongest(groups, strengths)[:MOST_GROUPINGS]
    if is_number:
        ways = _ways_of_numbers(truth, sample, predictors, groups, time_column)
        return _judged(name, _errors(ways, lambda guesses, places: np.abs(guesses - truth[places]), rows), predictors)
    ways = _ways_of_levels(truth, sample, predictors, groups, in_order=time_column is not None)
    return _judged(name, _errors(ways, lambda guesses, places: guesses != truth[places], rows), predictors)


def _strongest(names: Sequence[str], strengths: Mapping[str, float]) -> list[str]:
    """The strongest first, none where all are weak."""
    if max((strengths[name] for name in names), default=0.0) < WEAKEST:
        return []
    return sorted((name for name in names if strengths[name] > 0), key=lambda name: -strengths[name])


def _errors(
    ways: Mapping[str, _Guess], off: Callable[[npt.NDArray[Any], _Places], npt.NDArray[Any]], rows: _Places
) -> dict[str, Numbers]:
    """How far each way's guesses are off, each half guessed from the other."""
    half = np.random.default_rng(0).permutation(len(rows)) % 2
    errors = {}
    for way, guess in ways.items():
        errors[way] = np.empty(len(rows))
        for part in (0, 1):
            seen, wanted = np.flatnonzero(half != part), np.flatnonzero(half == part)
            errors[way][wanted] = off(guess(seen, wanted), wanted)
    return errors


def _ways_of_numbers(
    truth: Numbers, sample: _Sample, predictors: list[str], groups: list[str], time_column: str | None
) -> dict[str, _Guess]:
    ways: dict[str, _Guess] = {
        "mean": lambda seen, wanted: np.full(len(wanted), truth[seen].mean()),
        "median": lambda seen, wanted: np.full(len(wanted), np.median(truth[seen])),
    }
    for group in groups:
        ways[f"group_median {group}"] = _by_group(sample.codes(group), truth)
    if time_column is not None:
        ticks = sample.numbers(time_column)
        ways["interpolation"] = lambda seen, wanted: by_time(ticks, truth, wanted, np.isin(np.arange(len(truth)), seen))
        ways["forward_fill"] = _value_before(truth)
    if predictors:
        table = sample.table(predictors)
        ways["neighbours"] = lambda seen, wanted: by_neighbours(table, truth, seen, wanted)
        ways["boosting"] = lambda seen, wanted: by_boosting(table, truth, seen, wanted)
    return ways


def _ways_of_levels(
    codes: _Codes, sample: _Sample, predictors: list[str], groups: list[str], *, in_order: bool
) -> dict[str, _Guess]:
    ways: dict[str, _Guess] = {
        "mode": lambda seen, wanted: np.full(len(wanted), np.bincount(codes[seen]).argmax()),
    }
    for group in groups:
        ways[f"group_mode {group}"] = _by_mode(sample.codes(group), codes)
    if in_order:
        ways["forward_fill"] = _value_before(codes)
    if predictors:
        table = sample.table(predictors)
        ways["neighbours"] = lambda seen, wanted: levels_by_neighbours(table, codes, seen, wanted)
        ways["boosting"] = lambda seen, wanted: levels_by_boosting(table, codes, seen, wanted)
    return ways


def _value_before(truth: npt.NDArray[Any]) -> _Guess:
    return lambda seen, wanted: truth[seen[np.maximum(np.searchsorted(seen, wanted) - 1, 0)]]


def _by_group(groups: _Codes, truth: Numbers) -> _Guess:
    def guess(seen: _Places, wanted: _Places) -> Numbers:
        # The last place is for cells without a group, whose code is -1.
        guesses = np.full(groups.max(initial=0) + 2, np.median(truth[seen]))
        for group, median in group_medians(groups, truth, seen).items():
            guesses[group] = median
        told: Numbers = guesses[groups[wanted]]
        return told

    return guess


def _by_mode(groups: _Codes, codes: _Codes) -> _Guess:
    def guess(seen: _Places, wanted: _Places) -> _Codes:
        guesses = np.full(groups.max(initial=0) + 2, np.bincount(codes[seen]).argmax())
        for group, mode in group_modes(groups, codes, seen).items():
            guesses[group] = mode
        told: _Codes = guesses[groups[wanted]]
        return told

    return guess


def _parts(column: Column) -> _Codes:
    """A category's frequent levels, or about equally many cells of a quantity in each of `MOST_PARTS`; missing as 0."""
    if column.is_text:
        found = column.derive(distinct)
        places = np.empty(len(found.values) + 1, np.int32)
        places[found.by_frequency()] = np.arange(1, len(found.values) + 1)
        places[-1] = 0
        return np.minimum(places, MOST_PARTS)[found.codes]
    numbers = column.derive(feature)
    if not column.known:
        return np.zeros(len(column), np.int32)
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, MOST_PARTS + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers) + 1).astype(np.int32)


def _association(codes: _Codes, sample: _Sample, name: str) -> float:
    """Cramér's V without its bias (Bergsma, 2013): 0 for levels that have nothing to do with the parts, 1 for told."""
    parts = sample.base[name].derive(_parts)[sample.rows]
    width = int(parts.max(initial=0)) + 1
    counts = np.bincount(codes.astype(np.int64) * width + parts, minlength=(int(codes.max(initial=0)) + 1) * width)
    table = counts.reshape(-1, width).astype(np.float64)
    table = table[:, table.any(axis=0)][table.any(axis=1)]
    rows, (height, width) = len(codes), table.shape
    if min(height, width) < 2 or rows <= max(height, width):
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    phi = float(((table - expected) ** 2 / expected).sum()) / rows
    unbiased = max(0.0, phi - (height - 1) * (width - 1) / (rows - 1))
    less = [side - (side - 1) ** 2 / (rows - 1) for side in (height, width)]
    return float(np.sqrt(unbiased / (min(less) - 1)))


def _strength(truth: Numbers, sample: _Sample, name: str) -> float:
    """How much a column's numbers, or its groups' means, go with the truth: Pearson's |r|."""
    if sample.base[name].is_text:
        codes = sample.codes(name) + 1
        numbers: Numbers = (np.bincount(codes, truth) / np.maximum(np.bincount(codes), 1))[codes]
    else:
        numbers = sample.numbers(name)
    known = ~np.isnan(numbers)
    if known.sum() < FEWEST_KNOWN / 2:
        return 0.0
    with np.errstate(all="ignore"):
        strength = abs(float(np.corrcoef(numbers[known], truth[known])[0, 1]))
    return strength if np.isfinite(strength) else 0.0


def _judged(name: str, errors: Mapping[str, Numbers], predictors: list[str]) -> ImputationBenchmark:
    group, best = _best_group(errors)
    means = {method: float(off.mean()) for method, off in best.items()}
    constant = min((method for method in CONSTANTS if method in means), key=lambda method: means[method])
    better = [method for method in _SIMPLEST_FIRST if method in best and _beats(best[method], best[constant])]
    least = min((means[method] for method in better), default=0.0)
    winner = next((method for method in better if means[method] <= NEARLY_AS_GOOD * least), None)
    told = sorted((Candidate(method=method, error=error) for method, error in means.items()), key=lambda one: one.error)
    return ImputationBenchmark(
        column=name,
        hidden=len(best[constant]),
        candidates=tuple(told),
        winner=winner,
        predictors=(group,) if winner in ("group_median", "group_mode") else tuple(predictors),
        of_levels=constant == "mode",
    )


def _best_group(errors: Mapping[str, Numbers]) -> tuple[str, dict[Method, Numbers]]:
    """The column whose groups guess best, and the errors with only that one left of its kind."""
    parted = {way: way.partition(" ") for way in errors}
    best = min((way for way in errors if parted[way][1]), key=lambda way: float(errors[way].mean()), default="")
    kept: dict[Any, Numbers] = {parted[way][0]: errors[way] for way in errors if way == best or not parted[way][1]}
    return best.partition(" ")[2], kept


def _beats(errors: Numbers, constant: Numbers) -> bool:
    gain = constant - errors
    noise = float(gain.std()) / np.sqrt(len(gain))
    clearly = float(errors.mean()) <= CLEARLY_BETTER * float(constant.mean())
    return clearly and float(gain.mean()) > STANDARD_ERRORS * noise
