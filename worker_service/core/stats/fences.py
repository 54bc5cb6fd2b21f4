"""Outlier fences that allow for skew, heavy tails and spikes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Shape = Literal["even", "skewed", "heavy_tails", "spike"]
Numbers = npt.NDArray[np.float64]

FENCE_IQRS = 1.5
"""Tukey's inner fences lie this many interquartile ranges beyond the quartiles.

Source: Tukey, Exploratory Data Analysis, 1977.
"""
FAR_IQRS = 3.0
"""His outer fences lie this many interquartile ranges beyond the quartiles; a value beyond them is far out."""
SKEWED_MEDCOUPLE = 0.2
"""A column with at least this medcouple is skewed; a normal column has 0, an exponential one 0.34."""
SLIGHTLY_SKEWED_MEDCOUPLE = 0.1
"""From this medcouple on, a value is far out only if the adjusted boxplot says so as well."""
HEAVY_TAIL_RATIO = 1.15
"""Tails are heavy if both are this many times as long as those of a normal distribution; those of a t distribution with
three degrees of freedom are 1.4 times as long."""
SAMPLE_SIZE = 201
"""A longer column is represented by this many evenly spaced quantiles; their medcouple is exact to 0.005."""
SPIKE_SHARE = 0.25
"""A value with at least this share of the cells, often zero, is a spike; the other values get a range of their own."""
_FEWEST_FOR_SHAPE = 30
_LARGEST = float(np.finfo(np.float64).max)
_FEWEST_FOR_TAILS = 100
_Z_QUARTILE, _Z_TAIL = 0.674490, 1.959964
_Z_FENCES = {FENCE_IQRS: 3.0, FAR_IQRS: 5.0}


@dataclass(frozen=True)
class Range:
    """A range of values, and the shape of the distribution it was widened for."""

    lower: float
    upper: float
    shape: Shape = "even"
    evidence: float = 0.0
    """The medcouple if skewed; the ratio of the tails to those of a normal distribution if heavy-tailed; the share of
    the cells if a spike."""
    spike: float | None = None


def widen(values: Numbers, lower: float, upper: float) -> Range:
    """Return the range from `lower` to `upper`, widened where the shape of sorted values explains what lies beyond."""
    return enclose(lower, upper, range_of_shape(values))


def enclose(lower: float, upper: float, wider: Range | None) -> Range:
    """Return the smallest range that contains `lower`, `upper` and the wider range, if any."""
    if wider is None:
        return Range(lower, upper)
    low, high = min(lower, wider.lower), max(upper, wider.upper)
    return replace(wider, lower=max(low, -_LARGEST), upper=min(high, _LARGEST))


def range_of_shape(values: Numbers, iqrs: float = FENCE_IQRS) -> Range | None:
    """Return the range that the shape of sorted values explains; None for symmetric values without heavy tails.

    Where one value is a spike, such as zero in a column of amounts that are mostly absent, it is the range of the
    other values.

    Args:
        values: the values in ascending order.
        iqrs: `FENCE_IQRS` for the ordinary range, `FAR_IQRS` for the range beyond which values are far out.
    """
    spike = _find_spike(values)
    if spike is None:
        return _range_without_spike(values, iqrs)
    below, above = spike
    others = np.concatenate((values[:below], values[above:]))
    q1, q3 = (float(quartile) for quartile in np.quantile(others, (0.25, 0.75)))
    range_of_others = enclose(q1 - iqrs * (q3 - q1), q3 + iqrs * (q3 - q1), _range_without_spike(others, iqrs))
    return replace(range_of_others, shape="spike", evidence=(above - below) / len(values), spike=float(values[below]))


def _find_spike(values: Numbers) -> tuple[int, int] | None:
    """Return the start and stop index of a spike in sorted values; None without one or with too few others."""
    step = max(1, int(SPIKE_SHARE * len(values)))
    for value in values[step // 2 :: step]:
        below, above = (int(np.searchsorted(values, value, side)) for side in ("left", "right"))
        if above - below >= step and len(values) - (above - below) >= _FEWEST_FOR_SHAPE:
            return below, above
    return None


def _range_without_spike(values: Numbers, iqrs: float) -> Range | None:
    """Return the range of skewed or heavy-tailed values; None for others and for too few values.

    Skewed values get the adjusted boxplot, positive ones also on the log scale. Symmetric values with heavy tails get
    the range of a Tukey h distribution with those tails, to 3 standard deviations (5 for far out).

    Source: Hubert & Vandervieren, An adjusted boxplot for skewed distributions, 2008.
    """
    sample = _sample(values)
    if len(sample) < _FEWEST_FOR_SHAPE:
        return None
    low, q1, median, q3, high = (float(quantile) for quantile in np.quantile(sample, (0.025, 0.25, 0.5, 0.75, 0.975)))
    if not q1 < median < q3 or not np.isfinite(high - low):
        return None
    skewness = medcouple(sample)
    if abs(skewness) >= (SKEWED_MEDCOUPLE if iqrs == FENCE_IQRS else SLIGHTLY_SKEWED_MEDCOUPLE):
        return _skewed(sample, skewness, iqrs)
    if iqrs == FAR_IQRS and skewness >= 0 and sample[0] > 0:
        # A positive quantity may grow by factors as well as by sums, so a value must be far out on both scales.
        return Range(*_exp_range(_adjusted_boxplot(np.log(sample), 0.0, iqrs)), "skewed", skewness)
    # The shorter tail counts, because errors on one side lengthen that side only.
    tail_ratio = min((median - low) / (median - q1), (high - median) / (q3 - median)) * _Z_QUARTILE / _Z_TAIL
    if tail_ratio < HEAVY_TAIL_RATIO or len(sample) < _FEWEST_FOR_TAILS:
        return None
    # The quantiles of a Tukey h distribution are z exp(h z² / 2). The 97.5 % quantile gives h, and h the one at z.
    z = _Z_FENCES[iqrs]
    multiple = z / _Z_QUARTILE * tail_ratio ** ((z**2 - _Z_QUARTILE**2) / (_Z_TAIL**2 - _Z_QUARTILE**2))
    return Range(
        median - multiple * (median - q1),
        median + multiple * (q3 - median),
        "heavy_tails",
        tail_ratio,
    )


def _skewed(sample: Numbers, skewness: float, iqrs: float) -> Range:
    ranges = [_adjusted_boxplot(sample, skewness, iqrs)]
    if skewness > 0 and sample[0] > 0:
        logs = np.log(sample)
        ranges += [_exp_range(_adjusted_boxplot(logs, log_skewness, iqrs)) for log_skewness in (0.0, medcouple(logs))]
    lows, highs = zip(*ranges, strict=True)
    return Range(min(lows), max(highs), "skewed", skewness)


def medcouple(values: Numbers) -> float:
    """Return the medcouple of sorted values, a robust skewness from -1 to 1.

    It is 0 for symmetric values and positive with a long right tail. A quarter of the values may be wrong without
    changing it much. The memory needed grows with the square of the number of values.

    Source: Brys, Hubert & Struyf, A robust measure of skewness, 2004.
    """
    centred = values - np.median(values)
    right, left = centred[centred >= 0][:, None], centred[centred <= 0][None, :]
    distance = right - left
    # A pair that consists of the median twice counts as symmetric.
    kernel = np.divide(right + left, distance, out=np.zeros_like(distance), where=distance > 0)
    return float(np.median(kernel))


def _sample(values: Numbers) -> Numbers:
    """Return evenly spaced quantiles of many sorted values, or few values unchanged."""
    if len(values) <= SAMPLE_SIZE:
        return values
    return values[np.linspace(0, len(values) - 1, SAMPLE_SIZE).round().astype(np.int64)]


def _adjusted_boxplot(values: Numbers, skewness: float, iqrs: float) -> tuple[float, float]:
    q1, q3 = np.quantile(values, (0.25, 0.75))
    down, up = (-4.0, 3.0) if skewness >= 0 else (-3.0, 4.0)
    width = iqrs * (q3 - q1)
    return float(q1 - width * np.exp(down * skewness)), float(q3 + width * np.exp(up * skewness))


def _exp_range(logs: tuple[float, float]) -> tuple[float, float]:
    with np.errstate(over="ignore"):
        low, high = np.exp(logs)
    return float(low), float(high) if np.isfinite(high) else _LARGEST
