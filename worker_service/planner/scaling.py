"""Proposes how numbers are brought to a common size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot, isfinite, sqrt

from worker_service.core.profile import ColumnProfile
from worker_service.core.statistics import NumberSummary
from worker_service.core.steps import AnyStep, FillMissing, Flag, Scale, TreatOutliers
from worker_service.core.wording import number, quoted

FLAT_KURTOSIS = -1.0
"""A distribution flatter than this is spread evenly between two ends."""


@dataclass(frozen=True)
class _Cleaned:
    """What filling and capping leave of a column."""

    low: float
    high: float
    mean: float
    std: float


def propose_scaling(columns: Sequence[ColumnProfile], treatment: Sequence[AnyStep], rows: int) -> Iterator[AnyStep]:
    """Standardise every numeric feature, or scale to 0..1 where it is spread evenly between two ends."""
    for column in columns:
        if column.type not in ("integer", "decimal") or column.numbers is None:
            continue
        cleaned = _cleaned(column, column.numbers, [step for step in treatment if column.name in step.columns], rows)
        yield _flag_unscaled(column) if cleaned is None else _scale(column, column.numbers, cleaned)


def _scale(column: ColumnProfile, numbers: NumberSummary, cleaned: _Cleaned) -> Scale:
    flat = numbers.kurtosis is not None and numbers.kurtosis < FLAT_KURTOSIS and column.distinct > 2
    why = "A model then weighs it by what it says and not by its unit."
    if flat:
        why = f"Its values are spread evenly between two ends (kurtosis {number(numbers.kurtosis or 0)}). {why}"
    return Scale(
        kind="scale",
        column=column.name,
        method="min_max" if flat else "standard",
        center=cleaned.low if flat else cleaned.mean,
        divisor=cleaned.high - cleaned.low if flat else cleaned.std,
        why=why,
        confidence=0.8,
        source="scale_flat" if flat else "scale_standard",
    )


def _flag_unscaled(column: ColumnProfile) -> Flag:
    why = f"Left {quoted(column.name)} unscaled: its values do not vary, or too much for a standard deviation."
    return Flag(kind="flag", phase="features", column=column.name, why=why, confidence=1.0, source="left_unscaled")


def _cleaned(column: ColumnProfile, numbers: NumberSummary, treatment: Sequence[AnyStep], rows: int) -> _Cleaned | None:
    known = rows - column.missing
    low, high = numbers.minimum, numbers.maximum
    mean, std = numbers.mean, None if numbers.std is None else numbers.std * sqrt((known - 1) / known)
    for step in treatment:
        if isinstance(step, TreatOutliers) and step.strategy != "flag":
            mean, std = _without_outliers(step, numbers, known)
            low, high = max(low or 0, step.lower), min(high or 0, step.upper)
    if low is None or high is None or mean is None or std is None:
        return None
    for step in treatment:
        if isinstance(step, FillMissing) and isinstance(step.value, int | float):
            mean, std = _with_more(mean, std, known, step.value, column.missing)
    usable = std > 0 and isfinite(std) and isfinite(high - low) and high > low
    return _Cleaned(low=low, high=high, mean=mean, std=std) if usable else None


def _without_outliers(step: TreatOutliers, numbers: NumberSummary, known: int) -> tuple[float | None, float | None]:
    fences = numbers.iqr if step.method == "iqr" else numbers.zscore
    if step.strategy == "cap":
        return fences.capped.mean, fences.capped.std
    mean, std = fences.inside.mean, fences.inside.std
    if step.strategy == "remove" or mean is None or std is None or step.replacement is None:
        return mean, std
    return _with_more(mean, std, known - fences.outside, step.replacement, fences.outside)


def _with_more(mean: float, std: float, known: int, value: float, more: int) -> tuple[float, float]:
    """Mean and standard deviation of `known` values once `more` cells hold `value`."""
    share = more / (known + more)
    after = mean + (value - mean) * share
    kept, added = sqrt(1 - share), sqrt(share)
    return after, hypot(kept * std, kept * (mean - after), added * (value - after))
