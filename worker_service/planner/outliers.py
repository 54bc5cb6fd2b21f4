"""Proposes what happens to values far outside a column's ordinary range."""

from collections.abc import Iterator
from dataclasses import dataclass

from worker_service.core.fences import FENCE_IQRS
from worker_service.core.profile import ColumnProfile, Profile
from worker_service.core.statistics import FENCE_DEVIATIONS, Fences, NumberSummary
from worker_service.core.steps import AnyStep, TreatOutliers
from worker_service.core.steps.treat_outliers import OutlierMethod, OutlierStrategy
from worker_service.core.target import Target
from worker_service.core.wording import count, number, percent, plural_verb
from worker_service.planner.cleaning import is_sparse
from worker_service.planner.options import Options

MOST_OUTLIERS = 0.1
"""More than this share outside the fences are no outliers but a part of the distribution."""
MOST_REMOVED = 0.1
"""At most this share of the rows is removed for outliers, all columns together."""
FEWEST_VALUES = 10
"""A column of whole numbers with at most so many different values holds codes or ratings."""


@dataclass(frozen=True)
class _Case:
    """A column with values outside its fences."""

    name: str
    numbers: NumberSummary
    fences: Fences
    lower: float
    upper: float
    outside: int
    known: int


def propose_outliers(profile: Profile, target: Target, options: Options) -> list[AnyStep]:
    """One step for each numeric feature that has values outside its fences."""
    budget = MOST_REMOVED * profile.rows
    steps: list[AnyStep] = []
    for case in _cases(profile, target, options.outlier_method):
        strategy, why = _decide(case, options, budget=budget)
        budget -= case.outside if strategy == "remove" else 0
        steps.append(_treat(case, options.outlier_method, strategy, why))
    return steps


def _cases(profile: Profile, target: Target, method: OutlierMethod) -> Iterator[_Case]:
    for column in profile.columns:
        numbers = column.numbers
        if numbers is None or column.name == target.column or not _eligible(column, profile.rows):
            continue
        fences = numbers.iqr if method == "iqr" else numbers.zscore
        if fences.outside and fences.lower is not None and fences.upper is not None:
            known = profile.rows - column.missing
            yield _Case(column.name, numbers, fences, fences.lower, fences.upper, fences.outside, known)


def _eligible(column: ColumnProfile, rows: int) -> bool:
    codes = column.storage == "integer" and column.distinct <= FEWEST_VALUES
    return column.type in ("integer", "decimal") and not codes and not is_sparse(column, rows)


def _decide(case: _Case, options: Options, *, budget: float) -> tuple[OutlierStrategy, str]:
    if case.lower == case.upper:
        usual = number(case.numbers.median or 0)
        return "flag", f"At least half of the values are {usual}, so there is no ordinary range to lie outside of."
    if case.outside > MOST_OUTLIERS * case.known:
        return "flag", f"More than {percent(MOST_OUTLIERS)} are no outliers but belong to the distribution."
    if options.outlier_strategy == "remove" and case.outside > budget:
        why = f"Removing their rows too would cost more than {percent(MOST_REMOVED)} of the table."
        return "cap", f"{_range_sentence(case, options.outlier_method)} {why}"
    return options.outlier_strategy, _range_sentence(case, options.outlier_method)


def _range_sentence(case: _Case, method: OutlierMethod) -> str:
    usual = _usual_range(case.numbers, method)
    return usual if case.fences.shape == "even" else f"{usual} {_widening(case.fences)}"


def _usual_range(numbers: NumberSummary, method: OutlierMethod) -> str:
    if method == "iqr":
        return (
            f"The middle half of the values lies between {number(numbers.q1 or 0)} and {number(numbers.q3 or 0)}; "
            f"the range reaches {number(FENCE_IQRS)} times that width further on both sides."
        )
    return (
        f"The range is the mean, {number(numbers.mean or 0)}, give or take {number(FENCE_DEVIATIONS)} standard "
        f"deviations of {number(numbers.std or 0)}."
    )


def _widening(fences: Fences) -> str:
    kept = f"which keeps {count(fences.spared, 'value')} that {plural_verb(fences.spared, 'belongs', 'belong')} to it"
    evidence = number(round(fences.evidence, 2))
    if fences.shape == "skewed":
        side = "right" if fences.evidence > 0 else "left"
        return f"The distribution leans to the {side} (medcouple {evidence}), so the range was widened for it, {kept}."
    return f"Both tails reach {evidence} times as far as a normal distribution's, so the range was widened, {kept}."


def _treat(case: _Case, method: OutlierMethod, strategy: OutlierStrategy, why: str) -> TreatOutliers:
    return TreatOutliers(
        kind="treat_outliers",
        column=case.name,
        method=method,
        strategy=strategy,
        lower=case.lower,
        upper=case.upper,
        replacement=case.numbers.median if strategy == "median" else None,
        why=why,
        confidence=0.7,
        source=f"outliers_{method}",
    )
