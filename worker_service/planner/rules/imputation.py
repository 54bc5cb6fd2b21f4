"""Proposes what the race between ways of guessing found best."""

from typing import Any, Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, number, percent
from worker_service.core.imputation.benchmark import CONSTANTS, Guesser, ImputationRace, Method
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
    column: ColumnProfile, profile: Profile, race: ImputationRace
) -> FillByGroup | FillByLevel | FillByTime | FillByModel:
    """The step of a race that something other than a constant or the value before has won."""
    because: dict[str, Any] = {"column": column.name, "why": told(race), "confidence": _confidence(race)}
    if race.winner == "group_mode":
        most = {"most": True, "fallback": column.top_values[0].value, "source": "fill_by_group"}
        return FillByLevel(kind="fill_by_level", by=race.predictors[0], **most, **because)
    decimals = None if column.numbers is None else column.numbers.decimals
    if race.winner == "group_median" and column.numbers is not None:
        fallback = column.numbers.median or 0.0
        group = {"by": race.predictors[0], "fallback": fallback, "source": "fill_by_group", "decimals": decimals}
        return FillByGroup(kind="fill_by_group", **group, **because)
    if race.winner == "interpolation":
        time = {"by": profile.time_column or "", "source": "fill_by_time", "decimals": decimals}
        return FillByTime(kind="fill_by_time", **time, **because)
    model: Literal["neighbours", "boosting"] = "neighbours" if race.winner == "neighbours" else "boosting"
    learnt = {"predictors": race.predictors, "source": f"fill_by_{model}", "decimals": decimals}
    return FillByModel(kind="fill_by_model", model=model, **learnt, **because)


def told(race: ImputationRace) -> str:
    """The race in a sentence or two."""
    hidden = count(race.hidden, "known cell")
    constant = _constant(race)
    if race.winner is None:
        return f"Nothing guesses clearly better than one value for all: of {hidden} that were hidden, {_scores(race)}."
    others = [one for one in race.guessers if one.method not in (race.winner, *CONSTANTS)]
    winner = next(one for one in race.guessers if one.method == race.winner)
    if race.of_levels:
        runner_up = f", {_NAMES[others[0].method]} {_right(others[0])}" if others else ""
        it = f"it got {_right(winner)} right"
        return f"Of {hidden} that were hidden, {it}{runner_up}, {_NAMES[constant.method]} {_right(constant)}."
    runner_up = f", {_NAMES[others[0].method]} by {_off(others[0])}" if others else ""
    return (
        f"Of {hidden} that were hidden, it missed the truth by {_off(winner)} on average{runner_up}, "
        f"{_NAMES[constant.method]} by {_off(constant)}."
    )


def _scores(race: ImputationRace) -> str:
    best, *others = race.guessers
    if race.of_levels:
        more = f", {_NAMES[others[0].method]} {_right(others[0])}" if others else ""
        return f"{_NAMES[best.method]} got {_right(best)} right{more}"
    more = f", {_NAMES[others[0].method]} by {_off(others[0])}" if others else ""
    return f"{_NAMES[best.method]} missed by {_off(best)} on average{more}"


def _constant(race: ImputationRace) -> Guesser:
    """The best of the guessers that say the same for all."""
    return next(one for one in race.guessers if one.method in CONSTANTS)


def _right(guesser: Guesser) -> str:
    return percent(1 - guesser.error)


def _off(guesser: Guesser) -> str:
    return number(float(f"{guesser.error:.3g}"))


def _confidence(race: ImputationRace) -> float:
    """The share of levels that was right; for numbers half where as far off as a constant, nearly 1 where exact."""
    winner = next(one.error for one in race.guessers if one.method == race.winner)
    if race.of_levels:
        return round(1 - winner, 2)
    constant = _constant(race).error
    return round(0.95 - 0.45 * winner / constant, 2) if constant else 0.5
