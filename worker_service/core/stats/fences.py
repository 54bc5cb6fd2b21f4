"""Where ordinary values end, also in columns that are skewed or have heavy tails."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Shape = Literal["even", "skewed", "heavy_tails", "spike"]
Numbers = npt.NDArray[np.float64]

FENCE_IQRS = 1.5
"""Tukey's fences: so many interquartile ranges beyond the quartiles (Exploratory Data Analysis, 1977)."""
FAR_IQRS = 3.0
"""His outer fences: what lies beyond is far out, the rest is an ordinary tail."""
SKEWED = 0.2
"""From this medcouple on a column is skewed; a normal one has 0, an exponential one 0.34."""
SLIGHTLY_SKEWED = 0.1
"""From this one on a value must be far out on the skewed scale, too."""
HEAVY = 1.15
"""Both tails reach so many times further than a normal distribution's: 1.4 for a t with three degrees of freedom."""
SAMPLED = 201
"""Evenly spaced quantiles that stand for a long column; the medcouple of so many is exact to 0.005."""
SPIKE = 0.25
"""From this share of equal values on, often zeros, the others have a range of their own."""
_FEWEST_FOR_SHAPE = 30
_LARGEST = float(np.finfo(np.float64).max)
_FEWEST_FOR_TAILS = 100
_Z_QUARTILE, _Z_TAIL = 0.674490, 1.959964
_Z_FENCES = {FENCE_IQRS: 3.0, FAR_IQRS: 5.0}


@dataclass(frozen=True)
class Range:
    """A range, and the shape it had to be widened for."""

    lower: float
    upper: float
    shape: Shape = "even"
    evidence: float = 0.0
    """The medcouple of skewed values; for heavy tails how many times further they reach than normal ones; the share of
    a spike."""
    spike: float | None = None


def widen(values: Numbers, lower: float, upper: float) -> Range:
    """Move the ends of sorted values outward where their shape explains what lies beyond; never inward."""
    return span(lower, upper, range_of_shape(values))


def span(lower: float, upper: float, wider: Range | None) -> Range:
    """The range that takes in both."""
    if wider is None:
        return Range(lower, upper)
    low, high = min(lower, wider.lower), max(upper, wider.upper)
    return replace(wider, lower=max(low, -_LARGEST), upper=min(high, _LARGEST))


def range_of_shape(values: Numbers, iqrs: float = FENCE_IQRS) -> Range | None:
    """The range that the shape of sorted values explains; None where they lie evenly without heavy tails.

    `iqrs` is `FENCE_IQRS` for the ordinary range or `FAR_IQRS` for what is not far out. Where one value is a spike, as
    zero among amounts that are mostly not there, it is the range of the others.
    """
    found = _spike(values)
    if found is None:
        return _of_shape(values, iqrs)
    below, above = found
    others = np.concatenate((values[:below], values[above:]))
    q1, q3 = (float(end) for end in np.quantile(others, (0.25, 0.75)))
    ends = span(q1 - iqrs * (q3 - q1), q3 + iqrs * (q3 - q1), _of_shape(others, iqrs))
    return replace(ends, shape="spike", evidence=(above - below) / len(values), spike=float(values[below]))


def _spike(values: Numbers) -> tuple[int, int] | None:
    """Where the run of a value begins and ends that has a large share of the sorted values, others enough beside it."""
    step = max(1, int(SPIKE * len(values)))
    for value in values[step // 2 :: step]:
        below, above = (int(np.searchsorted(values, value, side)) for side in ("left", "right"))
        if above - below >= step and len(values) - (above - below) >= _FEWEST_FOR_SHAPE:
            return below, above
    return None


def _of_shape(values: Numbers, iqrs: float) -> Range | None:
    """The range of skewed values, or of even ones with heavy tails.

    Skewed values get the adjusted boxplot (Hubert & Vandervieren, 2008), positive ones also on the log scale. Evenly
    lying ones with heavy tails get the range of a Tukey h distribution with those tails, to 3 (far: 5) deviations.
    """
    sample = _sample(values)
    if len(sample) < _FEWEST_FOR_SHAPE:
        return None
    low, q1, median, q3, high = (float(end) for end in np.quantile(sample, (0.025, 0.25, 0.5, 0.75, 0.975)))
    if not q1 < median < q3 or not np.isfinite(high - low):
        return None
    leaning = medcouple(sample)
    if abs(leaning) >= (SKEWED if iqrs == FENCE_IQRS else SLIGHTLY_SKEWED):
        return _skewed(sample, leaning, iqrs)
    if iqrs == FAR_IQRS and leaning >= 0 and sample[0] > 0:
        # A positive quantity may be multiplied as easily as added to, so both scales must find a value far out.
        return Range(*_exponential(_adjusted(np.log(sample), 0.0, iqrs)), "skewed", leaning)
    # The shorter tail counts, because errors on one side only do not lengthen it.
    reach = min((median - low) / (median - q1), (high - median) / (q3 - median)) * _Z_QUARTILE / _Z_TAIL
    if reach < HEAVY or len(sample) < _FEWEST_FOR_TAILS:
        return None
    # The quantiles of a Tukey h distribution are z exp(h z² / 2): those at 97.5 % tell h, and h tells the one at z.
    z = _Z_FENCES[iqrs]
    times = z / _Z_QUARTILE * reach ** ((z**2 - _Z_QUARTILE**2) / (_Z_TAIL**2 - _Z_QUARTILE**2))
    return Range(median - times * (median - q1), median + times * (q3 - median), "heavy_tails", reach)


def _skewed(sample: Numbers, leaning: float, iqrs: float) -> Range:
    ends = [_adjusted(sample, leaning, iqrs)]
    if leaning > 0 and sample[0] > 0:
        logs = np.log(sample)
        ends += [_exponential(_adjusted(logs, lean, iqrs)) for lean in (0.0, medcouple(logs))]
    lows, highs = zip(*ends, strict=True)
    return Range(min(lows), max(highs), "skewed", leaning)


def medcouple(values: Numbers) -> float:
    """How far sorted values lean: 0 where they lie evenly about their median, towards 1 with a long right tail.

    A quarter of the values may be wrong without changing it much (Brys, Hubert & Struyf, 2004). Takes memory in the
    square of the number of values.
    """
    away = values - np.median(values)
    right, left = away[away >= 0][:, None], away[away <= 0][None, :]
    between = right - left
    # Where both are the median itself, neither side is longer.
    kernel = np.divide(right + left, between, out=np.zeros_like(between), where=between > 0)
    return float(np.median(kernel))


def _sample(values: Numbers) -> Numbers:
    """Evenly spaced quantiles of many values, few values as they are."""
    if len(values) <= SAMPLED:
        return values
    return values[np.linspace(0, len(values) - 1, SAMPLED).round().astype(np.int64)]


def _adjusted(values: Numbers, leaning: float, iqrs: float) -> tuple[float, float]:
    q1, q3 = np.quantile(values, (0.25, 0.75))
    down, up = (-4.0, 3.0) if leaning >= 0 else (-3.0, 4.0)
    width = iqrs * (q3 - q1)
    return float(q1 - width * np.exp(down * leaning)), float(q3 + width * np.exp(up * leaning))


def _exponential(ends: tuple[float, float]) -> tuple[float, float]:
    with np.errstate(over="ignore"):
        low, high = np.exp(ends)
    return float(low), float(high) if np.isfinite(high) else _LARGEST
