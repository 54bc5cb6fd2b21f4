"""Histograms and box plots, computed from sorted values."""

import numpy as np
import numpy.typing as npt

from shared.contracts.charts import BoxData, BoxplotData, HistogramData
from worker_service.core.reporting.charts.bins import Bins, number_bins, time_edges
from worker_service.core.stats.summary import Fences, ordered, quantiles
from worker_service.core.table.frame import Column

MOST_OUTLIERS = 200
_DISTANT_RATIO = 3.0
"""How much wider the range of the values as read is, from which on the axis is that of the cleaned ones."""
_TICKS_PER_SECOND = 1_000_000

Sorted = npt.NDArray[np.float64 | np.int64]


def histogram(before: Column, after: Column | None) -> HistogramData:
    """Count the values of a numeric or time column, as read and as cleaned, between the same edges."""
    values = before.derive(ordered)
    cleaned = values[:0] if after is None else after.derive(ordered)
    shown = _without_distant(values, cleaned)
    bins = _bins([part for part in (shown, cleaned) if len(part)], is_time=before.is_timestamp)
    counts = _bin_counts(shown, bins.edges)
    return HistogramData(
        edges=tuple((bins.edges / (_TICKS_PER_SECOND if before.is_timestamp else 1)).tolist()),
        before=counts,
        after=counts if after is before else _bin_counts(cleaned, bins.edges),
        axis="time" if before.is_timestamp else "number",
        whole=before.is_integer,
        scale=bins.scale,
        linear_within=bins.linear_within,
        outside=len(values) - len(shown),
    )


def _without_distant(values: Sorted, cleaned: Sorted) -> Sorted:
    """Return the values as read without those far from all that are left, such as 999 for an unknown age.

    With them, the others would share one bar.
    """
    if not len(cleaned) or not len(values):
        return values
    low, high = cleaned[0], cleaned[-1]
    width = float(high) - float(low)
    if float(values[-1]) - float(values[0]) <= _DISTANT_RATIO * width or not width:
        return values
    return values[np.searchsorted(values, low, side="left") : np.searchsorted(values, high, side="right")]


def _bins(parts: list[Sorted], *, is_time: bool) -> Bins:
    """Return the bins of the values as read and as cleaned."""
    if not parts:
        return Bins(np.zeros(0))
    low, high = min(part[0] for part in parts), max(part[-1] for part in parts)
    if is_time:
        return Bins(time_edges(parts[0].astype(np.int64, copy=False), int(low), int(high)))
    return number_bins(parts[0], float(low), float(high))


def _bin_counts(values: Sorted, edges: npt.NDArray[np.float64]) -> tuple[int, ...]:
    if len(edges) < 2:
        return ()
    starts = np.searchsorted(values, edges, side="left")
    starts[0], starts[-1] = 0, len(values)
    return tuple(np.diff(starts).tolist())


def _within_fences(values: npt.NDArray[np.float64], lower: float | None, upper: float | None) -> tuple[int, int]:
    """Return the bounds of the values within the fences; of all if none is within or the fences are unknown."""
    if lower is None or upper is None:
        return 0, len(values)
    below = int(np.searchsorted(values, lower, side="left"))
    above = int(np.searchsorted(values, upper, side="right"))
    return (below, above) if below < above else (0, len(values))


def boxplot(before: Column, after: Column | None, fences: Fences) -> BoxplotData:
    """Return the box plots of a numeric column, as read and as cleaned.

    Args:
        before: the values as read.
        after: the values as cleaned; None if the column was dropped.
        fences: the fences of the values as read, for both: computed anew for the cleaned values, they would make
            outliers of ordinary values once the extreme ones are gone.
    """
    values = before.derive(ordered)
    cleaned = values[:0] if after is None else after.derive(ordered)
    shown = _without_distant(values, cleaned)
    boxes = [
        box_of_values(part.astype(np.float64, copy=False), fences.lower, fences.upper) if len(part) else None
        for part in (shown, cleaned)
    ]
    return BoxplotData(before=boxes[0], after=boxes[1], whole=before.is_integer, outside=len(values) - len(shown))


def box_of_values(
    values: npt.NDArray[np.float64], lower: float | None, upper: float | None, *, most_outliers: int = MOST_OUTLIERS
) -> BoxData:
    """Return the numbers of a box plot and a sample of the values beyond the fences.

    Args:
        values: sorted values, at least one.
        lower: the lower fence; None if it is unknown.
        upper: the upper fence; None if it is unknown.
        most_outliers: the most outliers to return.

    Source:
        Tukey (1977). Exploratory Data Analysis.
    """
    q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
    below, above = _within_fences(values, lower, upper)
    outside = np.concatenate((values[:below], values[above:]))
    chosen = np.linspace(0, len(outside) - 1, min(most_outliers, len(outside))).astype(np.int64)
    return BoxData(
        whisker_low=float(values[below]),
        q1=q1,
        median=median,
        q3=q3,
        whisker_high=float(values[above - 1]),
        outliers=tuple(outside[chosen].tolist()),
        outlier_count=len(outside),
    )
