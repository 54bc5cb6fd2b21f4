"""What the values of one column look like, in numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from worker_service.core.stats.fences import FAR_IQRS, FENCE_IQRS, Range, Shape, range_of_shape, span
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column

FENCE_DEVIATIONS = 3.0
"""Z-score fences: so many standard deviations from the mean."""
FAR_DEVIATIONS = 5.0
"""Beyond so many, a value is far out."""


MOST_DECIMALS = 9
_WHOLE_FROM = 2.0**53


class Value(BaseModel):
    """A frozen value that survives a round trip through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fences(Value):
    """Where ordinary values end, and where those begin that are far out.

    They have no more decimals than the values, and are not negative where no value is.
    """

    lower: float | None
    upper: float | None
    outside: int
    """Values beyond."""
    far_lower: float | None = None
    far_upper: float | None = None
    far: int = 0
    """Values beyond these."""
    far_below: int = 0
    """Of them, those below."""
    shape: Shape = "even"
    """What the range was widened for."""
    evidence: float = 0.0
    """The medcouple of skewed values; for heavy tails how many times further they reach than normal ones; the share of
    a spike."""
    spike: float | None = None
    """The value whose share is so large that the others have a range of their own."""
    within_widened: int = 0
    """Values that only the wider range takes for ordinary."""


class NumberSummary(Value):
    """Moments and quantiles of the known values; None where undefined or too large for a double."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    """Sample standard deviation, dividing by the number of values less one."""
    median: float | None
    q1: float | None
    q3: float | None
    skew: float | None
    """Third standardised moment; 0 for a symmetric column."""
    kurtosis: float | None
    """Fourth standardised moment less 3; 0 for a normal distribution, -1.2 for a uniform one."""
    zero_share: float
    decimals: int | None
    """The most decimals a value has; None where they are more than nine."""
    iqr: Fences
    zscore: Fences


class TimestampSummary(Value):
    """When the known moments begin, end and have their middle; moments in UTC where the column has a zone."""

    first: datetime | None
    last: datetime | None
    median: datetime | None
    has_time: bool
    """Whether some moment is not midnight."""


class TextSummary(Value):
    """Lengths in characters."""

    shortest: int
    longest: int
    mean: float
    spaced_share: float
    """Share of the different values that contain a space."""


class ValueCount(Value):
    """A value as canonical text, and how many cells hold it."""

    value: str
    count: int


@dataclass(frozen=True, eq=False)
class RunLengths:
    """The different values of a sorted column with their counts."""

    values: npt.NDArray[np.float64 | np.int64]
    counts: npt.NDArray[np.int64]


def ordered(column: Column) -> npt.NDArray[np.float64 | np.int64]:
    """The known values of a numeric or time column in ascending order; moments as microseconds since 1970."""
    array = column.array.drop_null() if column.missing else column.array
    if column.is_timestamp:
        array = array.cast(TIMESTAMP).view("int64")
    return np.sort(array.to_numpy(zero_copy_only=False))


def run_lengths(column: Column) -> RunLengths:
    """Count equal values of a numeric or time column."""
    values = column.derive(ordered)
    if not len(values):
        return RunLengths(values, np.zeros(0, dtype=np.int64))
    starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
    return RunLengths(values[starts], np.diff(np.append(starts, len(values))))


def finite(value: float) -> float | None:
    """The value as a plain float, None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def summarise_numbers(column: Column) -> NumberSummary:
    """Describe a numeric column of finite values."""
    values = column.derive(ordered).astype(np.float64, copy=False)
    decimals = 0 if column.is_integer else _decimals(values)
    explain = cache(partial(range_of_shape, values))
    width, deviations = (FENCE_IQRS, FAR_IQRS), (FENCE_DEVIATIONS, FAR_DEVIATIONS)
    with np.errstate(all="ignore"):
        q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
        mean, std, skew, kurtosis = _moments(values)
        return NumberSummary(
            minimum=finite(values[0]) if len(values) else None,
            maximum=finite(values[-1]) if len(values) else None,
            mean=finite(mean),
            std=finite(std),
            median=finite(median),
            q1=finite(q1),
            q3=finite(q3),
            skew=finite(skew),
            kurtosis=finite(kurtosis),
            zero_share=float(np.count_nonzero(values == 0)) / max(1, len(values)),
            decimals=decimals,
            iqr=_fences(values, [Range(q1 - n * (q3 - q1), q3 + n * (q3 - q1)) for n in width], decimals, explain),
            zscore=_fences(values, [Range(mean - n * std, mean + n * std) for n in deviations], decimals, explain),
        )


def quantiles(values: npt.NDArray[np.float64], shares: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of sorted values, linear between neighbours; NaN where there are none."""
    if not len(values):
        return tuple(float("nan") for _ in shares)
    places = np.asarray(shares) * (len(values) - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    weight = places - low
    with np.errstate(all="ignore"):
        gap = values[high] - values[low]
        # Adding a part of the gap keeps quantiles in order, which two rounded products do not; but it may overflow.
        between = np.where(
            np.isfinite(gap), values[low] + gap * weight, values[low] * (1 - weight) + values[high] * weight
        )
    # Between neighbours that differ in their last digit, rounding would lead outside of them.
    between = np.clip(between, values[low], values[high])
    return tuple(float(value) for value in between)


def _decimals(values: npt.NDArray[np.float64]) -> int | None:
    decimals = 0
    for part in (values[:: max(1, len(values) // 256)], values):
        while decimals <= MOST_DECIMALS and not _have(part, decimals):
            decimals += 1
    return decimals if decimals <= MOST_DECIMALS else None


def _have(values: npt.NDArray[np.float64], decimals: int) -> bool:
    """Whether no value has more decimals. Of values beyond the exactness of doubles, all are whole."""
    factor = 10.0**decimals
    with np.errstate(over="ignore"):
        raised = values * factor
    fitting = np.rint(raised) / factor == values
    return bool(fitting.all() or (np.abs(values[~fitting]) >= _WHOLE_FROM).all())


def round_outward(lower: float, upper: float, decimals: int | None) -> tuple[float, float]:
    """The nearest numbers with so many decimals that have the given ones between them."""
    factor = 10.0 ** (decimals or 0)
    if decimals is None or max(abs(lower), abs(upper)) * factor >= _WHOLE_FROM:
        return lower, upper
    # What is off by a rounding error only is meant.
    low, high = lower * factor, upper * factor
    floor = round(low) if abs(round(low) - low) <= 1e-9 * max(1.0, abs(low)) else math.floor(low)
    ceiling = round(high) if abs(round(high) - high) <= 1e-9 * max(1.0, abs(high)) else math.ceil(high)
    return floor / factor, ceiling / factor


def _moments(values: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    size = len(values)
    if size < 2:
        return (float(values[0]) if size else np.nan), np.nan, np.nan, np.nan
    mean = float(values.mean())
    away = values - mean
    deviation = float(np.sqrt(np.mean(away * away)))
    if not np.isfinite(deviation):
        return mean, np.nan, np.nan, np.nan
    if deviation <= 1e-14 * abs(mean):
        return mean, 0.0, np.nan, np.nan
    # Divided by the deviation first, because the fourth power of a large value would overflow.
    away /= deviation
    square = away * away
    skew, kurtosis = float(np.dot(square, away)) / size, float(np.dot(square, square)) / size - 3
    return mean, deviation * (size / (size - 1)) ** 0.5, skew, kurtosis


def _fences(
    values: npt.NDArray[np.float64],
    plain: list[Range],
    decimals: int | None,
    explain: Callable[[float], Range | None],
) -> Fences:
    """`plain` are the ends of the ordinary range and those of what is not far out, for an even column."""
    if not len(values) or not all(np.isfinite((ends.lower, ends.upper)).all() for ends in plain):
        return Fences(lower=None, upper=None, outside=0)
    usual, far = (_rounded(values, ends, decimals) for ends in plain)
    outside = _outside(values, usual)
    if not outside:
        return Fences(lower=usual.lower, upper=usual.upper, outside=0, far_lower=far.lower, far_upper=far.upper)
    wider = _rounded(values, span(plain[0].lower, plain[0].upper, explain(FENCE_IQRS)), decimals)
    ends = wider if _outside(values, wider) < outside else usual
    far = _rounded(values, span(far.lower, far.upper, explain(FAR_IQRS)), decimals)
    far_lower, far_upper = min(far.lower, ends.lower), max(far.upper, ends.upper)
    beyond = _outside(values, ends)
    return Fences(
        lower=ends.lower,
        upper=ends.upper,
        outside=beyond,
        far_lower=far_lower,
        far_upper=far_upper,
        far=_outside(values, Range(far_lower, far_upper)),
        far_below=_places(values, Range(far_lower, far_upper))[0],
        shape=ends.shape,
        evidence=ends.evidence,
        spike=ends.spike,
        within_widened=outside - beyond,
    )


def _rounded(values: npt.NDArray[np.float64], ends: Range, decimals: int | None) -> Range:
    lower, upper = round_outward(ends.lower, ends.upper, decimals)
    return replace(ends, lower=max(lower, 0.0) if values[0] >= 0 else lower, upper=upper)


def _places(values: npt.NDArray[np.float64], ends: Range) -> tuple[int, int]:
    """Where the values inside begin and end."""
    below = int(np.searchsorted(values, ends.lower, side="left"))
    return below, int(np.searchsorted(values, ends.upper, side="right"))


def _outside(values: npt.NDArray[np.float64], ends: Range) -> int:
    below, above = _places(values, ends)
    return len(values) - (above - below)


def summarise_timestamps(column: Column) -> TimestampSummary:
    """Describe a column of moments."""
    values = column.derive(ordered)
    if not len(values):
        return TimestampSummary(first=None, last=None, median=None, has_time=False)
    ends = (int(values[0]), int(values[-1]), int(values[(len(values) - 1) // 2]))
    first, last, median = (_moment(ticks, zoned=column.type.tz is not None) for ticks in ends)
    has_time = bool(np.any(values % 86_400_000_000 != 0))
    return TimestampSummary(first=first, last=last, median=median, has_time=has_time)


def _moment(ticks: int, *, zoned: bool) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC if zoned else None) + timedelta(microseconds=ticks)


def summarise_text(column: Column) -> TextSummary:
    """Describe a column of strings."""
    found = column.derive(distinct)
    lengths = pc.utf8_length(found.values).to_numpy(zero_copy_only=False)
    if not len(lengths):
        return TextSummary(shortest=0, longest=0, mean=0.0, spaced_share=0.0)
    spaced = pc.sum(pc.match_substring(found.values, " ")).as_py() or 0
    return TextSummary(
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        mean=float(np.average(lengths, weights=found.counts)),
        spaced_share=spaced / len(lengths),
    )
