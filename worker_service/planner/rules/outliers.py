"""Proposes what happens to values far outside a column's ordinary range."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import OutlierMethod, OutlierStrategy
from worker_service.core.columns.column_profile import MOST_OUTLIERS, ColumnProfile
from worker_service.core.humanize import count, number, percent, plural_verb
from worker_service.core.recipe.steps import AnyStep, TreatOutliers
from worker_service.core.stats.fences import FAR_IQRS, FENCE_IQRS
from worker_service.core.stats.summary import FAR_DEVIATIONS, FENCE_DEVIATIONS, Fences, NumberSummary
from worker_service.planner.context import PlanContext, is_sparse

MOST_FAR = 0.02
"""A larger share that is far out is a second group, and capped would make a heap at the fence."""
FEWEST_KNOWN = 30
"""So few values do not tell where the ordinary ones end."""
MOST_REMOVED = 0.1
"""At most this share of the rows is removed for outliers, all columns together."""


@dataclass(frozen=True)
class _Case:
    """A column with values outside its fences."""

    name: str
    numbers: NumberSummary
    fences: Fences
    ordinary: tuple[float, float]
    far: tuple[float, float]
    known: int


@dataclass(frozen=True)
class _Decision:
    """What happens to the values outside a range, and why."""

    strategy: OutlierStrategy
    range: tuple[float, float]
    why: str


def propose_outliers(context: PlanContext) -> list[AnyStep]:
    """One step for each numeric feature that has values outside its fences.

    What is far out is treated as asked; what lies only a little outside belongs to the tail and is told.
    """
    options, budget = context.options, MOST_REMOVED * context.profile.rows
    steps: list[AnyStep] = []
    for case in _cases(context):
        decision = _decide(case, options, budget=budget)
        budget -= case.fences.far if decision.strategy == "remove" else 0
        steps.append(_treat(case, options.outlier_method, decision))
    return steps


def _cases(context: PlanContext) -> Iterator[_Case]:
    profile, target, method = context.profile, context.target, context.options.outlier_method
    for column in profile.columns:
        numbers = column.numbers
        eligible = column.is_quantity and not is_sparse(column, profile.rows)
        if numbers is None or column.name == target.column or not eligible:
            continue
        fences = numbers.iqr if method == "iqr" else numbers.zscore
        ordinary, far = _ends(fences.lower, fences.upper), _ends(fences.far_lower, fences.far_upper)
        if fences.outside and ordinary is not None and far is not None:
            fences, far = _spared(column, fences, far)
            yield _Case(column.name, numbers, fences, ordinary, far, profile.rows - column.missing)


def _spared(column: ColumnProfile, fences: Fences, far: tuple[float, float]) -> tuple[Fences, tuple[float, float]]:
    """The range widened to the codes that stand apart: a code that is capped looks like a value."""
    if not column.apart:
        return fences, far
    values = [one.value for one in column.apart]
    widened = (min(far[0], *values), max(far[1], *values))
    # A code is the last value on its side, so beside it nothing is far out any more.
    below = fences.far_below if widened[0] == far[0] else 0
    above = fences.far - fences.far_below if widened[1] == far[1] else 0
    return fences.model_copy(update={"far": below + above, "far_below": below}), widened


def _ends(lower: float | None, upper: float | None) -> tuple[float, float] | None:
    return None if lower is None or upper is None else (lower, upper)


def _decide(case: _Case, options: RunOptions, *, budget: float) -> _Decision:
    lower, upper = case.ordinary
    if lower == upper:
        usual = number(case.numbers.median or 0)
        why = f"At least half of the values are {usual}, so there is no ordinary range to lie outside of."
        return _Decision("flag", case.ordinary, why)
    if case.known < FEWEST_KNOWN:
        why = f"{count(case.known, 'known value')} are too few to tell an outlier from a rare value."
        return _Decision("flag", case.ordinary, why)
    if case.fences.outside > MOST_OUTLIERS * case.known:
        why = f"More than {percent(MOST_OUTLIERS)} are no outliers but belong to the distribution."
        return _Decision("flag", case.ordinary, why)
    if case.fences.far > MOST_FAR * case.known:
        why = f"More than {percent(MOST_FAR)} are far out, too many for accidents: they may be a group of their own."
        return _Decision("flag", case.far, why)
    if not case.fences.far:
        tail = f"None is far out, beyond {_range(case.far)}: they are the tail of the distribution."
        return _Decision("flag", case.ordinary, f"{_range_sentence(case, options.outlier_method, far=False)} {tail}")
    why = f"{_range_sentence(case, options.outlier_method, far=True)}{_tail(case)}"
    if options.outlier_strategy == "remove" and case.fences.far > budget:
        why = f"{why} Removing their rows too would cost more than {percent(MOST_REMOVED)} of the table."
        return _Decision("cap", case.far, why)
    return _Decision(options.outlier_strategy, case.far, why)


def _tail(case: _Case) -> str:
    more = case.fences.outside - case.fences.far
    if not more:
        return ""
    lies = plural_verb(more, "lies", "lie")
    return (
        f" {count(more, 'more value')} {lies} outside {_range(case.ordinary)} but not far, "
        f"and {plural_verb(more, 'stays as it is', 'stay as they are')}."
    )


def _range(ends: tuple[float, float]) -> str:
    return f"{number(ends[0])} to {number(ends[1])}"


def _range_sentence(case: _Case, method: OutlierMethod, *, far: bool) -> str:
    usual = _usual_range(case.numbers, method, far=far)
    return usual if case.fences.shape == "even" else f"{usual} {_widening(case.fences)}"


def _usual_range(numbers: NumberSummary, method: OutlierMethod, *, far: bool) -> str:
    if method == "iqr":
        return (
            f"The middle half of the values lies between {number(numbers.q1 or 0)} and {number(numbers.q3 or 0)}; "
            f"the range reaches {number(FAR_IQRS if far else FENCE_IQRS)} times that width further on both sides."
        )
    return (
        f"The range is the mean, {number(numbers.mean or 0)}, give or take "
        f"{number(FAR_DEVIATIONS if far else FENCE_DEVIATIONS)} standard deviations of {number(numbers.std or 0)}."
    )


def _widening(fences: Fences) -> str:
    verb = plural_verb(fences.within_widened, "belongs", "belong")
    kept = f"which keeps {count(fences.within_widened, 'value')} that {verb} to it"
    evidence = number(round(fences.evidence, 2))
    if fences.spike is not None:
        share = f"{percent(fences.evidence)} of the values are {number(fences.spike)}"
        return f"{share}, so the range was widened to that of the others, {kept}."
    if fences.shape == "skewed":
        side = "right" if fences.evidence > 0 else "left"
        return f"The distribution leans to the {side} (medcouple {evidence}), so the range was widened for it, {kept}."
    return f"Both tails reach {evidence} times as far as a normal distribution's, so the range was widened, {kept}."


def _treat(case: _Case, method: OutlierMethod, decision: _Decision) -> TreatOutliers:
    lower, upper = decision.range
    return TreatOutliers(
        kind="treat_outliers",
        column=case.name,
        method=method,
        strategy=decision.strategy,
        lower=lower,
        upper=upper,
        replacement=case.numbers.median if decision.strategy == "median" else None,
        why=decision.why,
        confidence=0.7,
        rule=f"outliers_{method}",
    )
