"""Histograms and box plots, computed from sorted values."""

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
    counts = _bin_counts(values, edges)
    axis: Literal["number", "time"] = "time" if before.is_timestamp else "number"
    return HistogramData(
        edges=tuple((edges / (_TICKS_PER_SECOND if before.is_timestamp else 1)).tolist()),
        before=counts,
        after=counts if after is before else _bin_counts(cleaned, edges),
        axis=axis,
        whole=before.is_integer,
    )


def _edges(parts: list[Sorted]) -> npt.NDArray[np.float64]:
    """Return the edges of equal bins, or of a bin for each whole number where those are few."""
    if not parts:
        return np.zeros(0)
    low, high = float(min(part[0] for part in parts)), float(max(part[-1] for part in parts))
    if parts[0].dtype.kind == "i" and high - low < MOST_BINS:
        return np.arange(low - 0.5, high + 1)
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = low - margin, high + margin
    bins = _bin_number(parts[0].astype(np.float64, copy=False), low, high)
    # The ends are divided first, because their difference may be larger than the largest double.
    edges = np.linspace(low / bins, high / bins, bins + 1) * bins
    edges[[0, -1]] = low, high
    return np.unique(edges)


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


def _bin_counts(values: Sorted, edges: npt.NDArray[np.float64]) -> tuple[int, ...]:
    if len(edges) < 2:
        return ()
    starts = np.searchsorted(values, edges, side="left")
    starts[0], starts[-1] = 0, len(values)
    return tuple(np.diff(starts).tolist())


def _within_fences(values: npt.NDArray[np.float64], fences: Fences) -> tuple[int, int]:
    """Return the bounds of the values within the fences; of all if none is within or the fences are unknown."""
    if fences.lower is None or fences.upper is None:
        return 0, len(values)
    below = int(np.searchsorted(values, fences.lower, side="left"))
    above = int(np.searchsorted(values, fences.upper, side="right"))
    return (below, above) if below < above else (0, len(values))


def box(column: Column, fences: Fences) -> BoxData | None:
    """Return the numbers of a box plot and a sample of the values beyond the fences; None without values.

    Args:
        column: the values as read or as cleaned.
        fences: the fences of the values as read, in both cases: computed anew for the cleaned values, they would
            make outliers of ordinary values once the extreme ones are gone.

    Source:
        Tukey (1977). Exploratory Data Analysis.
    """
    values = column.derive(ordered).astype(np.float64, copy=False)
    if not len(values):
        return None
    q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
    below, above = _within_fences(values, fences)
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
