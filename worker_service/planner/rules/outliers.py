"""Rule for outliers: values far outside the ordinary range of a column."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import OutlierMethod, OutlierTreatment
from worker_service.core.columns.column_profile import MOST_OUTLIERS, ColumnProfile
from worker_service.core.humanize import count, number, percent, plural_verb
from worker_service.core.recipe.steps import AnyStep, TreatOutliers
from worker_service.core.stats.fences import FAR_IQRS, FENCE_IQRS
from worker_service.core.stats.summary import FAR_DEVIATIONS, FENCE_DEVIATIONS, Fences, NumberSummary
from worker_service.planner.context import PlanContext, is_sparse

MAX_FAR_SHARE = 0.02
"""If a larger share is far out, it is a second group, and capping would pile it up at the fence."""
MIN_KNOWN = 30
"""With fewer known values there is no telling where the ordinary range ends."""
MAX_REMOVED_SHARE = 0.1
"""The largest share of the rows that is removed for outliers of all columns together."""


@dataclass(frozen=True)
class _Case:
    """A column with values outside its fences."""

    name: str
    numbers: NumberSummary
    fences: Fences
    ordinary: tuple[float, float]
    """The range outside of which a value is an outlier."""
    far: tuple[float, float]
    """The wider range outside of which a value is far out."""
    known: int
    """The number of known cells."""


@dataclass(frozen=True)
class _Decision:
    """The strategy for the values outside a range, and the reason for it."""

    strategy: OutlierTreatment
    range: tuple[float, float]
    why: str
    table: Literal["cleaned", "engineered"] = "cleaned"


def propose_outliers(context: PlanContext) -> list[AnyStep]:
    """Propose a step for each numeric feature that has values outside its fences.

    Values that are far out are treated as the options say; if they say nothing, the cleaned table keeps them, because
    a value that is far from the others may well be true. Those only a little outside belong to the tail of the
    distribution and are flagged.
    """
    # The number of rows that may still be removed.
    options, budget = context.options, MAX_REMOVED_SHARE * context.profile.rows
    steps: list[AnyStep] = []
    for case in _cases(context):
        strategy = options.outlier_strategies.get(case.name, options.outlier_strategy)
        decision = _decide(case, options.model_copy(update={"outlier_strategy": strategy}), budget=budget)
        budget -= case.fences.far if decision.strategy == "remove" else 0
        steps.append(_treat(case, options.outlier_method, decision))
    return steps


def _cases(context: PlanContext) -> Iterator[_Case]:
    profile, target, method = context.profile, context.target, context.options.outlier_method
    for column in profile.columns:
        numbers = column.numbers
        is_eligible = column.is_quantity and not is_sparse(column, profile.rows)
        if numbers is None or column.name in {target.column, *target.unsure} or not is_eligible:
            continue
        fences = numbers.iqr if method == "iqr" else numbers.zscore
        ordinary, far = _as_range(fences.lower, fences.upper), _as_range(fences.far_lower, fences.far_upper)
        if fences.outside and ordinary is not None and far is not None:
            fences, far = _widen_to_codes(column, fences, far)
            yield _Case(column.name, numbers, fences, ordinary, far, profile.rows - column.missing)


def _widen_to_codes(
    column: ColumnProfile, fences: Fences, far: tuple[float, float]
) -> tuple[Fences, tuple[float, float]]:
    """Return fences and range widened to include possible codes, which would look like values if capped."""
    if not column.apart:
        return fences, far
    codes = [code.value for code in column.apart]
    widened = (min(far[0], *codes), max(far[1], *codes))
    # A code is the outermost value on its side, so that no value is far out there any more.
    below = fences.far_below if widened[0] == far[0] else 0
    above = fences.far - fences.far_below if widened[1] == far[1] else 0
    return fences.model_copy(update={"far": below + above, "far_below": below}), widened


def _as_range(lower: float | None, upper: float | None) -> tuple[float, float] | None:
    return None if lower is None or upper is None else (lower, upper)


def _decide(case: _Case, options: RunOptions, *, budget: float) -> _Decision:
    lower, upper = case.ordinary
    if lower == upper:
        usual = number(case.numbers.median or 0)
        why = f"At least half of the values are {usual}, so there is no ordinary range to lie outside of."
        return _Decision("flag", case.ordinary, why)
    if case.known < MIN_KNOWN:
        why = f"{count(case.known, 'known value')} are too few to tell an outlier from a rare value."
        return _Decision("flag", case.ordinary, why)
    if case.fences.outside > MOST_OUTLIERS * case.known:
        why = f"More than {percent(MOST_OUTLIERS)} are no outliers but belong to the distribution."
        return _Decision("flag", case.ordinary, why)
    if case.fences.far > MAX_FAR_SHARE * case.known:
        why = (
            f"More than {percent(MAX_FAR_SHARE)} are far out, too many for accidents: they may be a group of their own."
        )
        return _Decision("flag", case.far, why)
    if not case.fences.far:
        tail = f"none is far out, beyond {_format_range(case.far)}, so they are the tail of the distribution"
        return _Decision("flag", case.ordinary, f"{_explain_range(case, options.outlier_method, far=False)}; {tail}.")
    why = f"{_explain_range(case, options.outlier_method, far=True)}{_explain_tail(case)}."
    if options.outlier_strategy == "remove" and case.fences.far > budget:
        why = f"{why[:-1]}; removing their rows too would cost more than {percent(MAX_REMOVED_SHARE)} of the table."
        return _Decision("cap", case.far, why)
    if options.outlier_strategy == "auto":
        return _Decision("cap", case.far, why, table="engineered")
    return _Decision(options.outlier_strategy, case.far, why)


def _explain_tail(case: _Case) -> str:
    more = case.fences.outside - case.fences.far
    if not more:
        return ""
    lies = plural_verb(more, "lies", "lie")
    return (
        f"; {count(more, 'more value')} {lies} outside {_format_range(case.ordinary)} but not far, "
        f"and {plural_verb(more, 'stays', 'stay')}"
    )


def _format_range(bounds: tuple[float, float]) -> str:
    return f"{number(bounds[0])} to {number(bounds[1])}"


def _explain_range(case: _Case, method: OutlierMethod, *, far: bool) -> str:
    """Return where the values lie, as a sentence without its full stop."""
    numbers = case.numbers
    lie = plural_verb(case.fences.far if far else case.fences.outside, "It lies", "They lie")
    if method == "iqr":
        q1, q3 = numbers.q1 or 0, numbers.q3 or 0
        where = (
            f"{lie} more than {number(FAR_IQRS if far else FENCE_IQRS)} times the width of the middle half, "
            f"{number(q1)} to {number(q3)}, outside of it"
        )
        plain = (q1 - FAR_IQRS * (q3 - q1), q3 + FAR_IQRS * (q3 - q1))
        if far and (case.far[0] < plain[0] or case.far[1] > plain[1]):
            where += f", and beyond {_format_range(case.far)}, which allows for values that grow by factors"
    else:
        where = (
            f"{lie} more than {number(FAR_DEVIATIONS if far else FENCE_DEVIATIONS)} standard deviations of "
            f"{number(numbers.std or 0)} from the mean, {number(numbers.mean or 0)}"
        )
    return where if case.fences.shape == "even" else f"{where}, {_explain_widening(case.fences)}"


def _explain_widening(fences: Fences) -> str:
    """Return for what the range was widened, as a clause."""
    if fences.spike is not None:
        return f"measured without the {percent(fences.evidence)} of the values that are {number(fences.spike)}"
    if fences.shape == "skewed":
        return f"and further for a distribution that leans to the {'right' if fences.evidence > 0 else 'left'}"
    times = number(round(fences.evidence, 2))
    return f"and further for tails that reach {times} times as far as a normal distribution's"


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
        table=decision.table,
        why=decision.why,
        confidence=0.7,
        rule=f"outliers_{method}",
    )
