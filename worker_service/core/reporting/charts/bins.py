"""The bins of histograms: steps that people count in, so that no wave is seen where there is none."""

import math
import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from worker_service.core.stats.summary import quantiles

MOST_BINS = 40
FEWEST_BINS = 5
_CROWDED = 0.9
"""Share of the values in two bins from which on the others can't be seen."""
_WIDE_RATIO = 1_000.0
_COARSEST = 6
"""A step that people count in may be so many times too wide."""
_COARSE_STEPS = 50
"""From so many grid steps in a bin on, it makes no difference where the bin begins between them."""
_SMALLEST, _LARGEST, _MOST_DIGITS = 1e-200, 1e200, 1e12
"""Beyond these, edges can't be computed as round numbers."""
_MICROSECONDS = 1_000_000
_DAY = 86_400 * _MICROSECONDS
_TIME_STEPS = tuple(
    seconds * _MICROSECONDS
    for seconds in (
        1,
        5,
        15,
        30,
        60,
        300,
        900,
        1800,
        3600,
        3 * 3600,
        6 * 3600,
        12 * 3600,
        86_400,
        2 * 86_400,
        7 * 86_400,
    )
)
_MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200)

Values = npt.NDArray[np.float64 | np.int64]
Edges = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bins:
    """Where bins begin and end, and the scale on which they are equally wide."""

    edges: Edges
    scale: Literal["linear", "log", "symlog"] = "linear"
    linear_within: float | None = None
    """On a symlog scale, the distance from zero within which it is linear."""


def number_bins(values: Values, low: float, high: float) -> Bins:
    """Return the bins of numbers.

    Args:
        values: the values, sorted.
        low: the smallest value that has to be in a bin, which may lie below those.
        high: the largest.
    """
    if values.dtype.kind == "i" and high - low < MOST_BINS:
        return Bins(np.arange(low - 0.5, high + 1))
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = max(low - margin, -sys.float_info.max), min(high + margin, sys.float_info.max)
    numbers = values.astype(np.float64, copy=False)
    amount = _bin_number(numbers, low, high)
    width, largest = high / amount - low / amount, max(abs(low), abs(high))
    if not (_SMALLEST < width < _LARGEST and largest < _LARGEST and largest / width < _MOST_DIGITS):
        return Bins(_even_edges(low, high, amount))
    linear = _nice_edges(numbers, low, high, amount)
    counts = np.sort(np.diff(np.searchsorted(numbers, linear)))
    if len(counts) < 2 * FEWEST_BINS or counts[-2:].sum() <= _CROWDED * len(numbers):
        return Bins(linear)
    return _logarithmic(numbers, low, high, amount) or Bins(linear)


def time_edges(ticks: npt.NDArray[np.int64], low: int, high: int, *, most: int | None = None) -> Edges:
    """Return edges at whole seconds, minutes, hours, days, months or years, in microseconds since 1970.

    Args:
        ticks: the moments, sorted.
        low: the earliest moment that has to be in a bin.
        high: the latest.
        most: about the number of bins; None for as many as a histogram has.
    """
    if low == high:
        return np.array([low - _MICROSECONDS / 2, low + _MICROSECONDS / 2])
    rough = (high - low) / (most or _bin_number(ticks.astype(np.float64), float(low), float(high)))
    # Days in half days would be seen as waves.
    grid = max(1, int(np.gcd.reduce(np.diff(ticks))))
    step = next((step for step in _TIME_STEPS if step >= rough and (step % grid == 0 or grid > _DAY)), None)
    if _DAY % grid and rough < _DAY and (step is None or step > _COARSEST * rough):
        # The grid of the values, every 7 seconds for instance, is none that days are divided by.
        step = math.ceil(rough / grid) * grid
    if step is not None:
        first = low // step * step
        return np.arange(first, high + step + 1, step, dtype=np.float64)[: (high - first) // step + 2]
    months = rough / (_DAY * 30.44)
    span = next((span for span in _MONTH_STEPS if span >= months), _MONTH_STEPS[-1])
    first_month, last_month = np.array([low, high]).astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    edges = np.arange(first_month // span * span, last_month // span * span + span + 1, span)
    return edges.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64).astype(np.float64)


def _bin_number(values: npt.NDArray[np.float64], low: float, high: float) -> int:
    """Return the number of bins by the Freedman-Diaconis rule, within the limits.

    Source:
        Freedman & Diaconis (1981). On the histogram as a density estimator: L2 theory.
    """
    q1, q3 = quantiles(values, (0.25, 0.75))
    half_width = (q3 / 2 - q1 / 2) / len(values) ** (1 / 3) * 2
    if half_width <= 0:
        return MOST_BINS // 2
    return int(np.clip((high / 2 - low / 2) / half_width, FEWEST_BINS, MOST_BINS))


def _even_edges(low: float, high: float, amount: int) -> Edges:
    # The ends are divided first, because their difference may be larger than the largest double.
    with np.errstate(over="ignore"):
        edges = np.linspace(low / amount, high / amount, amount + 1) * amount
    edges[[0, -1]] = low, high
    return np.unique(np.clip(edges, low, high))


def _nice_edges(values: npt.NDArray[np.float64], low: float, high: float, amount: int) -> Edges:
    """Return edges in steps of 1, 2 or 5 times a power of ten, each bin with as many places of the values' grid."""
    step = _nice_step((high - low) / amount)
    if (high - low) / step < FEWEST_BINS:
        step = _nice_step((high - low) / amount / 2.5)
    offset, grid = 0.0, _grid(values)
    if grid and step < _COARSE_STEPS * grid:
        step = max(1, round(step / grid)) * grid
        offset = grid / 2
    first = math.floor(low / step) * step - offset
    first -= step if first > low else 0  # below what a double tells apart
    edges = first + step * np.arange(math.ceil((high - first) / step) + 1)
    # A value at the last edge has a bin of its own behind it.
    edges = edges if edges[-1] > high else np.append(edges, edges[-1] + step)
    return np.unique(edges) if len(edges) <= 4 * MOST_BINS else _even_edges(low, high, amount)


def _nice_step(rough: float) -> float:
    """Return the smallest of 1, 2 or 5 times a power of ten that is not below a width."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _grid(values: npt.NDArray[np.float64]) -> float:
    """Return the step that all distances of neighbouring values are multiples of; 0 if there is none."""
    distances = np.diff(values)
    distances = distances[distances > 0]
    if not len(distances):
        return 0.0
    smallest = float(distances.min())
    if smallest <= 0 or float(values[-1] - values[0]) / smallest > 1e6:
        return 0.0
    multiples = distances / smallest
    return smallest if bool((np.abs(multiples - np.round(multiples)) < 1e-3).all()) else 0.0


def _logarithmic(values: npt.NDArray[np.float64], low: float, high: float, amount: int) -> Bins | None:
    """Return bins of equal ratios; None where the values do not span several powers of ten, or too many."""
    sizes = np.abs(values[np.abs(values) > _SMALLEST])
    if not len(sizes):
        return None
    smallest = 10.0 ** math.floor(math.log10(float(np.quantile(sizes, 0.02))))
    largest = max(abs(low), abs(high))
    lowest = min(smallest, low) if low > _SMALLEST else smallest
    if not largest / smallest >= _WIDE_RATIO or not largest / lowest <= _LARGEST:
        return None
    if low > _SMALLEST:
        return Bins(_ratios(10.0 ** math.floor(math.log10(low)), high, amount), "log")
    # As many edges to each power of ten on both sides, or heights could not be compared.
    edges = _ratios(smallest, largest, amount)
    below = -edges[: np.searchsorted(edges, -low) + 1][::-1] if low < -smallest else np.array([-smallest * (low < 0)])
    above = edges[: np.searchsorted(edges, high, side="right") + 1] if high > smallest else edges[:1]
    return Bins(np.concatenate([below, above]), "symlog", smallest)


def _ratios(low: float, high: float, amount: int) -> Edges:
    """Return edges from a power of ten to beyond a value, as many to each power of ten."""
    decades = max(1, math.ceil(math.log10(high / low) + 1e-9))
    parts = int(np.clip(amount // decades, 1, 10))
    return low * 10.0 ** (np.arange(decades * parts + 1) / parts)
