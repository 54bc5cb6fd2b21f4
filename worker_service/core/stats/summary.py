"""Summary statistics of one column: numbers, timestamps or text."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from worker_service.core.stats.fences import FAR_IQRS, FENCE_IQRS, Range, Shape, enclose, range_of_shape
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column
from worker_service.core.value import Value

FENCE_DEVIATIONS = 3.0
"""Z-score fences lie this many standard deviations from the mean."""
FAR_DEVIATIONS = 5.0
"""A value beyond this many standard deviations is far out."""
MOST_DECIMALS = 9
_WHOLE_FROM = 2.0**53
"""Every double from here on is a whole number."""


class Fences(Value):
    """The limits of ordinary values, and the wider limits beyond which a value is far out.

    They have no more decimals than the values, and are not negative where no value is.
    """

    lower: float | None
    upper: float | None
    outside: int
    """The number of values beyond `lower` and `upper`."""
    far_lower: float | None = None
    far_upper: float | None = None
    far: int = 0
    """The number of values beyond `far_lower` and `far_upper`."""
    far_below: int = 0
    """The number of values below `far_lower`."""
    shape: Shape = "even"
    """The shape of the distribution that the range was widened for."""
    evidence: float = 0.0
    """The medcouple if skewed; the ratio of the tails to those of a normal distribution if heavy-tailed; the share of
    the cells if a spike."""
    spike: float | None = None
    """A value with so large a share that the other values have a range of their own."""
    within_widened: int = 0
    """The number of values that are ordinary only in the widened range."""


class NumberSummary(Value):
    """Moments and quantiles of the known values; None where undefined or too large for a double."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    """The sample standard deviation, with n - 1 degrees of freedom."""
    median: float | None
    q1: float | None
    q3: float | None
    skew: float | None
    """The third standardised moment; 0 for a symmetric column."""
    kurtosis: float | None
    """The fourth standardised moment less 3 (excess kurtosis); 0 for a normal distribution, -1.2 for a uniform one."""
    zero_share: float
    decimals: int | None
    """The largest number of decimals of a value; None if more than nine."""
    iqr: Fences
    zscore: Fences


class TimestampSummary(Value):
    """The first, last and median timestamp of the known ones; in UTC where the column has a time zone."""

    first: datetime | None
    last: datetime | None
    median: datetime | None
    has_time: bool
    """True if any timestamp is not at midnight."""


class TextSummary(Value):
    """Lengths in characters."""

    shortest: int
    longest: int
    mean: float
    spaced_share: float
    """The share of the distinct values that contain a space."""


class ValueCount(Value):
    """A value as canonical text, and the number of cells that hold it."""

    value: str
    count: int


@dataclass(frozen=True, eq=False)
class RunLengths:
    """The distinct values of a column in ascending order, with their counts."""

    values: npt.NDArray[np.float64 | np.int64]
    counts: npt.NDArray[np.int64]


def ordered(column: Column) -> npt.NDArray[np.float64 | np.int64]:
    """Return the known values of a column in ascending order; timestamps in microseconds since 1970."""
    array = column.array.drop_null() if column.missing else column.array
    if column.is_timestamp:
        array = array.cast(TIMESTAMP).view("int64")
    return np.sort(array.to_numpy(zero_copy_only=False))


def run_lengths(column: Column) -> RunLengths:
    """Return the distinct values of a numeric or timestamp column with their counts."""
    values = column.derive(ordered)
    if not len(values):
        return RunLengths(values, np.zeros(0, dtype=np.int64))
    starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
    return RunLengths(values[starts], np.diff(np.append(starts, len(values))))


def finite_or_none(value: float) -> float | None:
    """Return the value as a plain float, None if it is not finite."""
    return float(value) if np.isfinite(value) else None


def summarise_numbers(column: Column) -> NumberSummary:
    """Return the summary of a numeric column of finite values."""
    values = column.derive(ordered).astype(np.float64, copy=False)
    decimals = 0 if column.is_integer else _count_decimals(values)
    shape_range = cache(partial(range_of_shape, values))
    iqrs, deviations = (FENCE_IQRS, FAR_IQRS), (FENCE_DEVIATIONS, FAR_DEVIATIONS)
    with np.errstate(all="ignore"):
        q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
        mean, std, skew, kurtosis = _moments(values)
        return NumberSummary(
            minimum=finite_or_none(values[0]) if len(values) else None,
            maximum=finite_or_none(values[-1]) if len(values) else None,
            mean=finite_or_none(mean),
            std=finite_or_none(std),
            median=finite_or_none(median),
            q1=finite_or_none(q1),
            q3=finite_or_none(q3),
            skew=finite_or_none(skew),
            kurtosis=finite_or_none(kurtosis),
            zero_share=float(np.count_nonzero(values == 0)) / max(1, len(values)),
            decimals=decimals,
            iqr=_compute_fences(
                values, [Range(q1 - n * (q3 - q1), q3 + n * (q3 - q1)) for n in iqrs], decimals, shape_range
            ),
            zscore=_compute_fences(
                values, [Range(mean - n * std, mean + n * std) for n in deviations], decimals, shape_range
            ),
        )


def quantiles(values: npt.NDArray[np.float64], shares: tuple[float, ...]) -> tuple[float, ...]:
    """Return quantiles of values in ascending order, linear between neighbours; NaN for no values.

    Args:
        values: finite values in ascending order.
        shares: the quantiles to return, each from 0 to 1.
    """
    if not len(values):
        return tuple(float("nan") for _ in shares)
    positions = np.asarray(shares) * (len(values) - 1)
    low = np.floor(positions).astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    weight = positions - low
    with np.errstate(all="ignore"):
        gap = values[high] - values[low]
        # Adding a part of the gap keeps quantiles in order, while the sum of two rounded products may not. Where the
        # gap overflows, only the products are left.
        interpolated = np.where(
            np.isfinite(gap), values[low] + gap * weight, values[low] * (1 - weight) + values[high] * weight
        )
    # If neighbours differ in their last digit only, rounding may leave their range.
    interpolated = np.clip(interpolated, values[low], values[high])
    return tuple(float(value) for value in interpolated)


def _count_decimals(values: npt.NDArray[np.float64]) -> int | None:
    decimals = 0
    # A sample raises the count cheaply, so that the whole column is usually checked only once.
    for sample in (values[:: max(1, len(values) // 256)], values):
        while decimals <= MOST_DECIMALS and not _has_at_most_decimals(sample, decimals):
            decimals += 1
    return decimals if decimals <= MOST_DECIMALS else None


def _has_at_most_decimals(values: npt.NDArray[np.float64], decimals: int) -> bool:
    """Return True if no value has more decimals; values from `_WHOLE_FROM` on have none."""
    factor = 10.0**decimals
    with np.errstate(over="ignore"):
        scaled = values * factor
    is_exact = np.rint(scaled) / factor == values
    return bool(is_exact.all() or (np.abs(values[~is_exact]) >= _WHOLE_FROM).all())


def round_outward(lower: float, upper: float, decimals: int | None) -> tuple[float, float]:
    """Return the narrowest range with this number of decimals that contains the given range."""
    factor = 10.0 ** (decimals or 0)
    if decimals is None or max(abs(lower), abs(upper)) * factor >= _WHOLE_FROM:
        return lower, upper
    # A number that is off by a rounding error only must not move by a whole step.
    low, high = lower * factor, upper * factor
    floor = round(low) if abs(round(low) - low) <= 1e-9 * max(1.0, abs(low)) else math.floor(low)
    ceiling = round(high) if abs(round(high) - high) <= 1e-9 * max(1.0, abs(high)) else math.ceil(high)
    return floor / factor, ceiling / factor


def _moments(values: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    size = len(values)
    if size < 2:
        return (float(values[0]) if size else np.nan), np.nan, np.nan, np.nan
    mean = float(values.mean())
    centred = values - mean
    deviation = float(np.sqrt(np.mean(centred * centred)))
    if not np.isfinite(deviation):
        return mean, np.nan, np.nan, np.nan
    if deviation <= 1e-14 * abs(mean):
        return mean, 0.0, np.nan, np.nan
    # The values are divided by the deviation first, because the fourth power of a large value would overflow.
    centred /= deviation
    square = centred * centred
    skew, kurtosis = float(np.dot(square, centred)) / size, float(np.dot(square, square)) / size - 3
    return mean, deviation * (size / (size - 1)) ** 0.5, skew, kurtosis


def _compute_fences(
    values: npt.NDArray[np.float64],
    ranges: list[Range],
    decimals: int | None,
    shape_range: Callable[[float], Range | None],
) -> Fences:
    """Return the fences of sorted values.

    Args:
        values: the values in ascending order.
        ranges: the ordinary range and the range beyond which values are far out, as for a symmetric column.
        decimals: the decimals of the values, None for unlimited.
        shape_range: the range that the shape of the values explains, by the number of interquartile ranges.
    """
    if not len(values) or not all(np.isfinite((limits.lower, limits.upper)).all() for limits in ranges):
        return Fences(lower=None, upper=None, outside=0)
    usual, far = (_round_range(values, limits, decimals) for limits in ranges)
    outside = _count_outside(values, usual)
    if not outside:
        return Fences(lower=usual.lower, upper=usual.upper, outside=0, far_lower=far.lower, far_upper=far.upper)
    wider = _round_range(values, enclose(ranges[0].lower, ranges[0].upper, shape_range(FENCE_IQRS)), decimals)
    chosen = wider if _count_outside(values, wider) < outside else usual
    far = _round_range(values, enclose(far.lower, far.upper, shape_range(FAR_IQRS)), decimals)
    far_lower, far_upper = min(far.lower, chosen.lower), max(far.upper, chosen.upper)
    beyond = _count_outside(values, chosen)
    return Fences(
        lower=chosen.lower,
        upper=chosen.upper,
        outside=beyond,
        far_lower=far_lower,
        far_upper=far_upper,
        far=_count_outside(values, Range(far_lower, far_upper)),
        far_below=_slice_inside(values, Range(far_lower, far_upper))[0],
        shape=chosen.shape,
        evidence=chosen.evidence,
        spike=chosen.spike,
        within_widened=outside - beyond,
    )


def _round_range(values: npt.NDArray[np.float64], limits: Range, decimals: int | None) -> Range:
    lower, upper = round_outward(limits.lower, limits.upper, decimals)
    return replace(limits, lower=max(lower, 0.0) if values[0] >= 0 else lower, upper=upper)


def _slice_inside(values: npt.NDArray[np.float64], limits: Range) -> tuple[int, int]:
    """Return the start and stop index of the values inside a range, both fences included."""
    start = int(np.searchsorted(values, limits.lower, side="left"))
    return start, int(np.searchsorted(values, limits.upper, side="right"))


def _count_outside(values: npt.NDArray[np.float64], limits: Range) -> int:
    start, stop = _slice_inside(values, limits)
    return len(values) - (stop - start)


def summarise_timestamps(column: Column) -> TimestampSummary:
    """Return the summary of a timestamp column."""
    values = column.derive(ordered)
    if not len(values):
        return TimestampSummary(first=None, last=None, median=None, has_time=False)
    selected = (int(values[0]), int(values[-1]), int(values[(len(values) - 1) // 2]))
    first, last, median = (_to_datetime(ticks, zoned=column.type.tz is not None) for ticks in selected)
    has_time = bool(np.any(values % 86_400_000_000 != 0))
    return TimestampSummary(first=first, last=last, median=median, has_time=has_time)


def _to_datetime(ticks: int, *, zoned: bool) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC if zoned else None) + timedelta(microseconds=ticks)


def summarise_text(column: Column) -> TextSummary:
    """Return the summary of a text column."""
    texts = column.derive(distinct)
    lengths = pc.utf8_length(texts.values).to_numpy(zero_copy_only=False)
    if not len(lengths):
        return TextSummary(shortest=0, longest=0, mean=0.0, spaced_share=0.0)
    spaced = pc.sum(pc.match_substring(texts.values, " ")).as_py() or 0
    return TextSummary(
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        mean=float(np.average(lengths, weights=texts.counts)),
        spaced_share=spaced / len(lengths),
    )
