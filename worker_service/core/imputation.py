"""A race between ways to guess missing numbers: known cells are hidden, and every way guesses them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, Protocol

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
    moderate,
)
from worker_service.core.statistics import Value

Method = Literal["mean", "median", "group_median", "interpolation", "forward_fill", "neighbours", "boosting"]
"""From the simplest to the most laborious, after the two constants."""

FEWEST_KNOWN = 60
MOST_RACES = 8
"""So many columns, those that miss most, are raced by models too."""
MOST_PREDICTORS = 20
FEWEST_SHARE = 0.5
"""Only columns that are known in so many rows are looked at."""
WEAKEST = 0.15
"""Models do not race where no column goes with the gaps' column more than this."""
MOST_GROUPS = 50
CLEARLY_BETTER = 0.9
"""A winner's error is at most this share of the better constant's,"""
STANDARD_ERRORS = 2.0
"""and the difference is so many standard errors."""
NEARLY_AS_GOOD = 1.05
"""A simpler way that is at most this much worse than the best is taken instead."""
_SIMPLEST_FIRST: tuple[Method, ...] = (
    "group_median",
    "interpolation",
    "forward_fill",
    "neighbours",
    "boosting",
)
_Places = npt.NDArray[np.int64]


class Guesser(Value):
    """One way of guessing and how far off it was."""

    method: Method
    error: float
    """The mean absolute distance of its guesses from the hidden cells."""


class ImputationRace(Value):
    """What guesses a column's missing numbers best."""

    column: str
    hidden: int
    """Known cells that were hidden and guessed."""
    guessers: tuple[Guesser, ...]
    """The best first."""
    winner: Method | None
    """None where nothing is clearly better than one number for all."""
    predictors: tuple[str, ...]
    """The columns that the models look at, the group's column alone for a group's median."""


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
    """One race for each numeric column with gaps, models only for those that miss most.

    Neither the target nor a column that gives it away may tell what is missing.
    """
    numeric = [column for column in columns if column.type in ("integer", "decimal") and column.name != target]
    racing = [column.name for column in numeric if values[column.name].missing]
    racing = [name for name in racing if values[name].known >= FEWEST_KNOWN and moderate(values[name])]
    laborious = set(sorted(racing, key=lambda name: -values[name].missing)[:MOST_RACES])
    usable = [
        column for column in columns if _can_tell(column, values[column.name]) and column.name not in {target, *leaks}
    ]
    if time_column not in {column.name for column in usable}:
        time_column = None
    return tuple(_race(name, values, _beside(name, usable), time_column, models=name in laborious) for name in racing)


def _can_tell(column: Described, values: Column) -> bool:
    """Whether a column says something in most rows; one that says little may be dropped before it is needed."""
    kinds = ("integer", "decimal", "boolean", "category", "timestamp")
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
    truth = sample[name].numbers()
    groups = [other.name for other in others if other.type == "category" and 2 <= other.distinct <= MOST_GROUPS]
    predictors = _closest(truth, sample, [other.name for other in others]) if models else []
    errors = _errors(truth, sample, predictors, groups, time_column)
    by, named = _best_group(errors, groups)
    return _judged(name, named, predictors, by)


def _errors(
    truth: Numbers, sample: Mapping[str, Column], predictors: list[str], groups: list[str], time_column: str | None
) -> dict[str, Numbers]:
    """The distances of each way's guesses from the truth, each half guessed from the other."""
    half = np.random.default_rng(0).permutation(len(truth)) % 2
    ways: dict[str, Callable[[_Places, _Places], Numbers]] = {
        "mean": lambda seen, wanted: np.full(len(wanted), truth[seen].mean()),
        "median": lambda seen, wanted: np.full(len(wanted), np.median(truth[seen])),
    }
    for group in groups:
        ways[f"group_median {group}"] = _by_group(sample[group].derive(distinct).codes, truth)
    if time_column is not None:
        ticks = sample[time_column].array.cast(TIMESTAMP).cast("int64").to_numpy().astype(np.float64)
        ways["interpolation"] = lambda seen, wanted: by_time(ticks, truth, wanted, np.isin(np.arange(len(truth)), seen))
        ways["forward_fill"] = lambda seen, wanted: truth[seen[np.maximum(np.searchsorted(seen, wanted) - 1, 0)]]
    if predictors:
        table = features([sample[one] for one in predictors])
        ways["neighbours"] = lambda seen, wanted: by_neighbours(table, truth, seen, wanted)
        ways["boosting"] = lambda seen, wanted: by_boosting(table, truth, seen, wanted)
    errors = {}
    for way, guess in ways.items():
        off = np.empty(len(truth))
        for part in (0, 1):
            seen, wanted = np.flatnonzero(half != part), np.flatnonzero(half == part)
            off[wanted] = np.abs(guess(seen, wanted) - truth[wanted])
        errors[way] = off
    return errors


def _by_group(codes: npt.NDArray[np.int32], truth: Numbers) -> Callable[[_Places, _Places], Numbers]:
    def guess(seen: _Places, wanted: _Places) -> Numbers:
        # The last place is for cells without a group, whose code is -1.
        guesses = np.full(codes.max(initial=0) + 2, np.median(truth[seen]))
        for code, median in group_medians(codes, truth, seen).items():
            guesses[code] = median
        told: Numbers = guesses[codes[wanted]]
        return told

    return guess


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


def _best_group(errors: Mapping[str, Numbers], groups: list[str]) -> tuple[str | None, dict[Method, Numbers]]:
    """The column whose groups guess best, and the errors with only that one left of its kind."""
    best = min(groups, key=lambda group: float(errors[f"group_median {group}"].mean()), default=None)
    named: dict[Method, Numbers] = {way: off for way, off in errors.items() if " " not in way}  # type: ignore[misc]
    if best is not None:
        named["group_median"] = errors[f"group_median {best}"]
    return best, named


def _judged(name: str, errors: Mapping[Method, Numbers], predictors: list[str], group: str | None) -> ImputationRace:
    means = {method: float(off.mean()) for method, off in errors.items()}
    constant: Method = "mean" if means["mean"] < means["median"] else "median"
    better = [method for method in _SIMPLEST_FIRST if method in errors and _beats(errors[method], errors[constant])]
    least = min((means[method] for method in better), default=0.0)
    winner = next((method for method in better if means[method] <= NEARLY_AS_GOOD * least), None)
    told = sorted((Guesser(method=method, error=error) for method, error in means.items()), key=lambda one: one.error)
    return ImputationRace(
        column=name,
        hidden=len(next(iter(errors.values()))),
        guessers=tuple(told),
        winner=winner,
        predictors=(group,) if winner == "group_median" and group is not None else tuple(predictors),
    )


def _beats(errors: Numbers, constant: Numbers) -> bool:
    gain = constant - errors
    noise = float(gain.std()) / np.sqrt(len(gain))
    clearly = float(errors.mean()) <= CLEARLY_BETTER * float(constant.mean())
    return clearly and float(gain.mean()) > STANDARD_ERRORS * noise
