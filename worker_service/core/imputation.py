"""A race between ways to guess missing numbers and levels: known cells are hidden, and every way guesses them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.distinct import distinct
from worker_service.core.fences import Numbers
from worker_service.core.frame import TIMESTAMP, Column
from worker_service.core.guessing import (
    MOST_ROWS,
    by_boosting,
    by_neighbours,
    by_time,
    features,
    group_medians,
    group_modes,
    levels_by_boosting,
    levels_by_neighbours,
    moderate,
)
from worker_service.core.statistics import Value

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


class Guesser(Value):
    """One way of guessing and how far off it was."""

    method: Method
    error: float
    """The mean absolute distance of its guesses from the hidden cells; of levels the share that it got wrong."""


class ImputationRace(Value):
    """What guesses a column's missing cells best."""

    column: str
    hidden: int
    """Known cells that were hidden and guessed."""
    guessers: tuple[Guesser, ...]
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


def race_imputers(
    columns: Sequence[Described],
    values: Mapping[str, Column],
    *,
    target: str | None,
    leaks: Collection[str],
    time_column: str | None,
) -> tuple[ImputationRace, ...]:
    """One race for each column of numbers or levels with gaps, models only for those that miss most.

    Neither the target nor a column that gives it away may tell what is missing.
    """
    racing = [column.name for column in columns if column.name != target and _can_race(column, values[column.name])]
    laborious = set(sorted(racing, key=lambda name: -values[name].missing)[:MOST_RACES])
    usable = [
        column for column in columns if _can_tell(column, values[column.name]) and column.name not in {target, *leaks}
    ]
    if time_column not in {column.name for column in usable}:
        time_column = None
    return tuple(_race(name, values, _beside(name, usable), time_column, models=name in laborious) for name in racing)


def _can_race(column: Described, values: Column) -> bool:
    few = values.is_number or 2 <= column.distinct <= MOST_GROUPS
    return column.type in _KINDS and bool(values.missing) and values.known >= FEWEST_KNOWN and moderate(values) and few


def _can_tell(column: Described, values: Column) -> bool:
    """Whether a column says something in most rows; one that says little may be dropped before it is needed."""
    kinds = (*_KINDS, "timestamp")
    known = values.known >= FEWEST_SHARE * len(values)
    return column.type in kinds and column.duplicate_of is None and known and moderate(values)


def _beside(name: str, columns: Sequence[Described]) -> list[Described]:
    return [column for column in columns if column.name != name]


def _race(
    name: str, values: Mapping[str, Column], others: Sequence[Described], time_column: str | None, *, models: bool
) -> ImputationRace:
    column = values[name]
    known = np.flatnonzero(column.present())
    rows = known[:: max(1, -(-len(known) // MOST_ROWS))]
    if time_column is not None:
        rows = known[: len(rows)] if len(known) <= MOST_ROWS else known[-MOST_ROWS:]
    sample = {one: Column(values[one].array.take(pa.array(rows))) for one in [name, *(o.name for o in others)]}
    others_names = [other.name for other in others]
    groups = [other.name for other in others if other.type == "category" and 2 <= other.distinct <= MOST_GROUPS]
    if not column.is_number:
        codes = sample[name].derive(distinct).codes
        predictors = _most_telling(codes, sample, others_names) if models else []
        ways = _ways_of_levels(codes, sample, predictors, groups if column.is_text else [], in_order=bool(time_column))
        return _judged(name, _errors(ways, lambda guesses, rows: guesses != codes[rows], len(codes)), predictors)
    truth = sample[name].numbers()
    predictors = _closest(truth, sample, others_names) if models else []
    ways = _ways_of_numbers(truth, sample, predictors, groups, time_column)
    return _judged(name, _errors(ways, lambda guesses, rows: np.abs(guesses - truth[rows]), len(truth)), predictors)


def _errors(
    ways: Mapping[str, _Guess], off: Callable[[npt.NDArray[Any], _Places], npt.NDArray[Any]], rows: int
) -> dict[str, Numbers]:
    """How far each way's guesses are off, each half guessed from the other."""
    half = np.random.default_rng(0).permutation(rows) % 2
    errors = {}
    for way, guess in ways.items():
        errors[way] = np.empty(rows)
        for part in (0, 1):
            seen, wanted = np.flatnonzero(half != part), np.flatnonzero(half == part)
            errors[way][wanted] = off(guess(seen, wanted), wanted)
    return errors


def _ways_of_numbers(
    truth: Numbers, sample: Mapping[str, Column], predictors: list[str], groups: list[str], time_column: str | None
) -> dict[str, _Guess]:
    ways: dict[str, _Guess] = {
        "mean": lambda seen, wanted: np.full(len(wanted), truth[seen].mean()),
        "median": lambda seen, wanted: np.full(len(wanted), np.median(truth[seen])),
    }
    for group in groups:
        ways[f"group_median {group}"] = _by_group(sample[group].derive(distinct).codes, truth)
    if time_column is not None:
        ticks = sample[time_column].array.cast(TIMESTAMP).cast("int64").to_numpy().astype(np.float64)
        ways["interpolation"] = lambda seen, wanted: by_time(ticks, truth, wanted, np.isin(np.arange(len(truth)), seen))
        ways["forward_fill"] = _value_before(truth)
    if predictors:
        table = features([sample[one] for one in predictors])
        ways["neighbours"] = lambda seen, wanted: by_neighbours(table, truth, seen, wanted)
        ways["boosting"] = lambda seen, wanted: by_boosting(table, truth, seen, wanted)
    return ways


def _ways_of_levels(
    codes: _Codes, sample: Mapping[str, Column], predictors: list[str], groups: list[str], *, in_order: bool
) -> dict[str, _Guess]:
    ways: dict[str, _Guess] = {
        "mode": lambda seen, wanted: np.full(len(wanted), np.bincount(codes[seen]).argmax()),
    }
    for group in groups:
        ways[f"group_mode {group}"] = _by_mode(sample[group].derive(distinct).codes, codes)
    if in_order:
        ways["forward_fill"] = _value_before(codes)
    if predictors:
        table = features([sample[one] for one in predictors])
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


def _most_telling(codes: _Codes, sample: Mapping[str, Column], names: list[str]) -> list[str]:
    """The columns that go with the levels most."""
    strengths = {name: _association(codes, _parts(sample[name])) for name in names}
    if max(strengths.values(), default=0.0) < WEAKEST:
        return []
    told = sorted((name for name in names if strengths[name] > 0), key=lambda name: -strengths[name])
    return told[:MOST_PREDICTORS]


def _parts(column: Column) -> _Codes:
    """A category's frequent levels, or about equally many cells of a quantity in each of `MOST_PARTS`; missing as 0."""
    if column.is_text:
        found = column.derive(distinct)
        places = np.empty(len(found.values) + 1, np.int32)
        places[found.by_frequency()] = np.arange(1, len(found.values) + 1)
        places[-1] = 0
        return np.minimum(places, MOST_PARTS)[found.codes]
    numbers = features([column])[:, 0]
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, MOST_PARTS + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers) + 1).astype(np.int32)


def _association(codes: _Codes, parts: _Codes) -> float:
    """Cramér's V without its bias (Bergsma, 2013): 0 for levels that have nothing to do with the parts, 1 for told."""
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


def _closest(truth: Numbers, sample: Mapping[str, Column], names: list[str]) -> list[str]:
    """The columns whose numbers, or whose groups' means, go with the truth most."""
    strengths = {name: _strength(truth, sample[name]) for name in names}
    if max(strengths.values(), default=0.0) < WEAKEST:
        return []
    told = sorted((name for name in names if strengths[name] > 0), key=lambda name: -strengths[name])
    return told[:MOST_PREDICTORS]


def _strength(truth: Numbers, column: Column) -> float:
    if column.is_text:
        codes = column.derive(distinct).codes + 1
        sizes = np.maximum(np.bincount(codes), 1)
        numbers: Numbers = (np.bincount(codes, truth) / sizes)[codes]
    else:
        numbers = features([column])[:, 0]
    known = ~np.isnan(numbers)
    if known.sum() < FEWEST_KNOWN / 2:
        return 0.0
    with np.errstate(all="ignore"):
        strength = abs(float(np.corrcoef(numbers[known], truth[known])[0, 1]))
    return strength if np.isfinite(strength) else 0.0


def _judged(name: str, errors: Mapping[str, Numbers], predictors: list[str]) -> ImputationRace:
    group, best = _best_group(errors)
    means = {method: float(off.mean()) for method, off in best.items()}
    constant = min((method for method in CONSTANTS if method in means), key=lambda method: means[method])
    better = [method for method in _SIMPLEST_FIRST if method in best and _beats(best[method], best[constant])]
    least = min((means[method] for method in better), default=0.0)
    winner = next((method for method in better if means[method] <= NEARLY_AS_GOOD * least), None)
    told = sorted((Guesser(method=method, error=error) for method, error in means.items()), key=lambda one: one.error)
    return ImputationRace(
        column=name,
        hidden=len(best[constant]),
        guessers=tuple(told),
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
