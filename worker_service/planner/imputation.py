"""Proposes what the race between ways of guessing found best."""

from worker_service.core.imputation import ImputationRace, Method
from worker_service.core.profile import ColumnProfile, Profile
from worker_service.core.steps import FillByGroup, FillByModel, FillByTime
from worker_service.core.wording import count, number

_NAMES: dict[Method, str] = {
    "mean": "the mean",
    "median": "the median",
    "group_median": "the median of the group",
    "interpolation": "the line between the neighbours in time",
    "forward_fill": "the value before",
    "neighbours": "the most similar rows",
    "boosting": "gradient boosting",
}


def fill_by_winner(
    column: ColumnProfile, profile: Profile, race: ImputationRace
) -> FillByGroup | FillByTime | FillByModel:
    """The step of a race that something other than a constant or the value before has won."""
    numbers = column.numbers
    if numbers is None or numbers.median is None:
        raise ValueError(f"{column.name} is numeric and has no numbers")
    shared = {"column": column.name, "decimals": numbers.decimals, "why": told(race), "confidence": _confidence(race)}
    if race.winner == "group_median":
        return FillByGroup(
            kind="fill_by_group", by=race.predictors[0], fallback=numbers.median, source="fill_by_group", **shared
        )
    if race.winner == "interpolation":
        return FillByTime(kind="fill_by_time", by=profile.time_column or "", source="fill_by_time", **shared)
    model = "neighbours" if race.winner == "neighbours" else "boosting"
    return FillByModel(
        kind="fill_by_model", model=model, predictors=race.predictors, source=f"fill_by_{model}", **shared
    )


def told(race: ImputationRace) -> str:
    """The race in a sentence or two."""
    hidden = count(race.hidden, "known cell")
    errors = {guesser.method: guesser.error for guesser in race.guessers}
    if race.winner is None:
        best, second = race.guessers[0], race.guessers[1]
        return (
            f"Nothing guesses clearly better than one number for all: of {hidden} that were hidden, "
            f"{_told(best.method)} was {_off(best.error)} off on average, {_told(second.method)} {_off(second.error)}."
        )
    constant = next(guesser for guesser in race.guessers if guesser.method in ("mean", "median"))
    others = [guesser for guesser in race.guessers if guesser.method not in (race.winner, constant.method)]
    runner_up = f", {_told(others[0].method)} by {_off(others[0].error)}" if others else ""
    return (
        f"Of {hidden} that were hidden, it missed the truth by {_off(errors[race.winner])} on average{runner_up}, "
        f"{_told(constant.method)} by {_off(constant.error)}."
    )


def _told(method: Method) -> str:
    return _NAMES[method]


def _off(error: float) -> str:
    return number(float(f"{error:.3g}"))


def _confidence(race: ImputationRace) -> float:
    """Half where it is as far off as a constant, nearly one where it is exact."""
    errors = {guesser.method: guesser.error for guesser in race.guessers}
    constant = min(errors["mean"], errors["median"])
    return round(0.95 - 0.45 * errors[race.winner or "median"] / constant, 2) if constant else 0.5
