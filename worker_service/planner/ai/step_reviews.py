"""Reviews of proposals about steps: fills, possible ranges, orders of levels, ratios.

Each function rewrites the steps of the review and returns None, or returns why it refuses the proposal.
"""

from dataclasses import dataclass

import numpy as np

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, number, percent, plural_verb, quoted
from worker_service.core.imputation.benchmark import ImputationBenchmark
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import (
    AnyStep,
    FillMissing,
    FrequencyEncode,
    LabelEncode,
    OneHot,
    Ratio,
    Scale,
    TreatOutliers,
)
from worker_service.core.stats.correlation import coefficients
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.advice import Bounds, DerivedRatio, Fill, Ordering
from worker_service.planner.ai.checks import attribute_reason, known_numbers, read_as_profiled
from worker_service.planner.ai.prompt import Ids

MAX_EXCLUDED_SHARE = 0.02
"""If a range excludes more than this share of the values, the range is wrong and not the values."""
MAX_ERROR_RATIO = 1.02
"""The largest accepted error of a proposed fill, as a multiple of the smallest error."""
MIN_CORRELATION_GAIN = 0.02
"""The least gain of a ratio's correlation with the target over that of each of its parts."""
_SCALE_REASON = "A model then weighs it by what it says and not by its unit."


@dataclass
class StepReview:
    """The state of a review of steps: its inputs, and the steps as they are so far."""

    facts: Profile
    frame: Frame
    author: str
    steps: list[AnyStep]

    def sentence(self, why: str, evidence: str = "") -> str:
        """Return the model's sentence with the evidence for it."""
        return attribute_reason(self.author, why, evidence)


def review_fill(review: StepReview, fill: Fill, column: ColumnProfile) -> str | None:
    """Review a fill method: on hidden cells its error has to be about as small as the best."""
    benchmark = review.facts.benchmark_of(column.name)
    if benchmark is None:
        return "there is nothing to measure it by"
    errors: dict[str, float] = {candidate.method: candidate.error for candidate in benchmark.candidates}
    if fill.method not in errors or column.numbers is None:
        return "the benchmark on hidden cells has decided already"
    best = _best_error(benchmark, errors)
    if errors[fill.method] > MAX_ERROR_RATIO * best:
        proposed_error, best_error = (number(float(f"{error:.3g}")) for error in (errors[fill.method], best))
        return f"it is {proposed_error} off on hidden cells, what was done {best_error}"
    for index, step in enumerate(review.steps):
        if isinstance(step, FillMissing) and step.column == column.name and step.method == fill.method:
            review.steps[index] = step.model_copy(update={"why": f"{review.sentence(fill.why)} {step.why}"})
            return None
    return "the benchmark on hidden cells has found something as good"


def _best_error(benchmark: ImputationBenchmark, errors: dict[str, float]) -> float:
    return errors[benchmark.winner] if benchmark.winner is not None else min(errors["mean"], errors["median"])


def review_bounds(review: StepReview, bounds: Bounds, column: ColumnProfile) -> str | None:
    """Review the range of possible values: only a few values, and no ordinary ones, may lie outside."""
    numbers = column.numbers
    if numbers is None or not column.is_quantity or numbers.minimum is None or numbers.maximum is None:
        return "the column holds no quantities"
    lower = numbers.minimum if bounds.lower is None else bounds.lower
    upper = numbers.maximum if bounds.upper is None else bounds.upper
    values = known_numbers(column, review.frame)
    outside = values[(values < lower) | (values > upper)]
    if not lower < upper or not len(outside):
        return "no value lies outside"
    if len(outside) > MAX_EXCLUDED_SHARE * len(values):
        return f"{percent(len(outside) / len(values))} of the values lie outside, too many to be impossible"
    fences = numbers.iqr
    if fences.lower is None or fences.upper is None or ((outside >= fences.lower) & (outside <= fences.upper)).any():
        return "some of the values outside are quite ordinary ones"
    verb = plural_verb(len(outside), "lies", "lie")
    evidence = f"{count(len(outside), 'value')} of {len(values):,} {verb} outside."
    replaced = [step for step in review.steps if isinstance(step, TreatOutliers) and step.column == column.name]
    # The cleaned table may lose what is impossible, but gets a guess in its place on request only (ADR 13).
    is_asked_for = any(step.table == "cleaned" and step.strategy != "flag" for step in replaced)
    is_in_cleaned = bounds.strategy == "null" or is_asked_for
    treatment = TreatOutliers(
        kind="treat_outliers",
        column=column.name,
        method="iqr",
        strategy=bounds.strategy,
        table="cleaned" if is_in_cleaned else "engineered",
        lower=lower,
        upper=upper,
        replacement=None,
        why=review.sentence(bounds.why, evidence),
        confidence=0.7,
        rule="gemini",
    )
    review.steps = [*(step for step in review.steps if step not in replaced), treatment]
    return None


def review_order(review: StepReview, order: Ordering, column: ColumnProfile) -> str | None:
    """Review an order of levels: it has to contain exactly the levels of the column."""
    index = next((index for index, step in enumerate(review.steps) if _is_encoding_of(step, column.name)), None)
    levels = {level.value for level in column.top_values}
    is_complete = set(order.order) == levels and len(order.order) == len(levels)
    if index is None or column.type != "category" or not is_complete:
        return "it does not name exactly the levels of the column"
    added_levels = tuple(level for level in getattr(review.steps[index], "levels", ()) if level not in levels)
    review.steps[index] = LabelEncode(
        kind="label_encode",
        column=column.name,
        levels=(*added_levels, *order.order),
        why=review.sentence(order.why),
        confidence=0.7,
        rule="gemini",
    )
    return None


def _is_encoding_of(step: AnyStep, column: str) -> bool:
    return isinstance(step, OneHot | LabelEncode | FrequencyEncode) and step.column == column


def review_ratio(review: StepReview, ratio: DerivedRatio, column: ColumnProfile) -> str | None:
    """Review a ratio of two quantities: it has to correlate with a numeric target more strongly than its parts."""
    other = review.facts.by_name().get(Ids.of(review.facts).names.get(ratio.denominator, ""))
    target = review.facts.target.column
    if other is None or other.name == target or not (column.is_quantity and other.is_quantity):
        return "both must be columns of quantities, and none the target"
    with np.errstate(all="ignore"):
        values = read_as_profiled(column, review.frame).numbers() / read_as_profiled(other, review.frame).numbers()
    if np.isinf(values).any():
        return f"{quoted(other.name)} is 0 somewhere"
    if target is not None and not _correlates_more(review, values, (column, other), target):
        return f"it tells {quoted(target)} no more than the two columns do"
    name = f"{column.name}_per_{other.name}"
    if name in {*review.facts.by_name(), *(output for step in review.steps for output in step.outputs)}:
        return "it is there already"
    _insert_ratio(review, numerator=column.name, denominator=other.name, name=name, why=review.sentence(ratio.why))
    return None


def _insert_ratio(review: StepReview, *, numerator: str, denominator: str, name: str, why: str) -> None:
    """Insert the ratio before the first step that scales, or else before the first feature step."""
    step = Ratio(
        kind="ratio", numerator=numerator, denominator=denominator, name=name, why=why, confidence=0.6, rule="gemini"
    )
    scale = Scale(kind="scale", column=name, method="standard", why=_SCALE_REASON, confidence=0.6, rule="gemini")
    steps = review.steps
    first = next((index for index, step in enumerate(steps) if step.phase == "features"), len(steps))
    steps.insert(next((index for index, step in enumerate(steps) if step.kind == "scale"), first), step)
    steps.append(scale)


def _correlates_more(
    review: StepReview, values: Numbers, parts: tuple[ColumnProfile, ColumnProfile], target: str
) -> bool:
    """Return True if a ratio correlates with a numeric target clearly more strongly than each of its parts."""
    target_column = read_as_profiled(review.facts.by_name()[target], review.frame)
    if not target_column.is_number:
        return False
    columns = [target_column.numbers(), values, *(read_as_profiled(part, review.frame).numbers() for part in parts)]
    strengths = np.abs(np.nan_to_num(coefficients(np.stack(columns, axis=1))[0, 1:]))
    return bool(strengths[0] > strengths[1:].max() + MIN_CORRELATION_GAIN)
