"""Histograms and boxes, read off sorted values."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from shared.contracts.charts import BoxData, HistogramData
from worker_service.core.stats.summary import Fences, ordered, quantiles
from worker_service.core.table.frame import Column

MOST_OUTLIERS = 200
MOST_BINS = 40
FEWEST_BINS = 5
_TICKS_PER_SECOND = 1_000_000

Sorted = npt.NDArray[np.float64 | np.int64]


def histogram(before: Column, after: Column | None) -> HistogramData:
    """Count the values of a numeric or time column, as read and as cleaned, between the same edges."""
    values = before.derive(ordered)
    cleaned = values[:0] if after is None else after.derive(ordered)
    edges = _edges([part for part in (values, cleaned) if len(part)])
    counts = _bin(values, edges)
    axis: Literal["number", "time"] = "time" if before.is_timestamp else "number"
    return HistogramData(
        edges=tuple((edges / (_TICKS_PER_SECOND if before.is_timestamp else 1)).tolist()),
        before=counts,
        after=counts if after is before else _bin(cleaned, edges),
        axis=axis,
        whole=before.is_integer,
    )


def _edges(parts: list[Sorted]) -> npt.NDArray[np.float64]:
    """Equal bins after Freedman and Diaconis (1981), or one for each whole number where those are few."""
    if not parts:
        return np.zeros(0)
    low, high = float(min(part[0] for part in parts)), float(max(part[-1] for part in parts))
    if parts[0].dtype.kind == "i" and high - low < MOST_BINS:
        return np.arange(low - 0.5, high + 1)
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = low - margin, high + margin
    bins = _bins(parts[0].astype(np.float64, copy=False), low, high)
    # Scaled down first, because the whole range may be larger than the largest double.
    edges = np.linspace(low / bins, high / bins, bins + 1) * bins
    edges[[0, -1]] = low, high
    return np.unique(edges)


def _bins(values: npt.NDArray[np.float64], low: float, high: float) -> int:
    q1, q3 = quantiles(values, (0.25, 0.75))
    half_width = (q3 / 2 - q1 / 2) / len(values) ** (1 / 3) * 2
    if half_width <= 0:
        return MOST_BINS // 2
    return int(np.clip((high / 2 - low / 2) / half_width, FEWEST_BINS, MOST_BINS))


def _bin(values: Sorted, edges: npt.NDArray[np.float64]) -> tuple[int, ...]:
    if len(edges) < 2:
        return ()
    places = np.searchsorted(values, edges, side="left")
    places[0], places[-1] = 0, len(values)
    return tuple(np.diff(places).tolist())


def _inside(values: npt.NDArray[np.float64], fences: Fences) -> tuple[int, int]:
    """Where the values within the fences begin and end; all where none is or the fences are unknown."""
    if fences.lower is None or fences.upper is None:
        return 0, len(values)
    below = int(np.searchsorted(values, fences.lower, side="left"))
    above = int(np.searchsorted(values, fences.upper, side="right"))
    return (below, above) if below < above else (0, len(values))


def box(column: Column, fences: Fences) -> BoxData | None:
    """The five numbers of a box plot after Tukey, and a sample of what lies beyond the fences.

    The fences are those of the values as read, also for the cleaned ones: drawn anew, they would make outliers of
    ordinary values once the extreme ones are gone.
    """
    values = column.derive(ordered).astype(np.float64, copy=False)
    if not len(values):
        return None
    q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
    below, above = _inside(values, fences)
    outside = np.concatenate((values[:below], values[above:]))
    chosen = np.linspace(0, len(outside) - 1, min(MOST_OUTLIERS, len(outside))).astype(np.int64)
    return BoxData(
        whisker_low=float(values[below]),
        q1=q1,
        median=median,
        q3=q3,
        whisker_high=float(values[above - 1]),
        outliers=tuple(outside[chosen].tolist()),
        outlier_count=len(outside),
    )
