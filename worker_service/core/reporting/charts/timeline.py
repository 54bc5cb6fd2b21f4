"""Timelines: the values of a column within spans of time."""

from itertools import pairwise

import numpy as np

from shared.contracts.charts import TimelineData
from worker_service.core.reporting.charts.bins import time_edges
from worker_service.core.reporting.charts.pairs import FEWEST_ROWS, measure
from worker_service.core.stats.summary import quantiles
from worker_service.core.table.frame import Column

_TICKS_PER_SECOND = 1_000_000
_FEWEST_SPANS, _MOST_SPANS = 3, 40
_ROWS_IN_SPAN = 12
"""So many rows, on average, show the middle half of the values."""


def timeline(values: Column, time: Column) -> TimelineData | None:
    """Return the quartiles of a numeric column over time; None where there are too few rows or spans."""
    known = np.flatnonzero(values.present() & time.present())
    if len(known) < FEWEST_ROWS:
        return None
    seconds = measure(time)[known]
    order = np.argsort(seconds, kind="stable")
    seconds, numbers = seconds[order], measure(values)[known][order]
    ticks = np.round(seconds * _TICKS_PER_SECOND).astype(np.int64)
    edges = time_edges(ticks, int(ticks[0]), int(ticks[-1]), most=_spans(len(ticks)))
    bounds = np.searchsorted(ticks, edges, side="left")
    bounds[0], bounds[-1] = 0, len(ticks)
    if len(edges) <= _FEWEST_SPANS:
        return None
    quartiles = [_quartiles(numbers[start:end]) for start, end in pairwise(bounds.tolist())]
    q1, median, q3 = zip(*quartiles, strict=True)
    return TimelineData(
        edges=tuple((edges / _TICKS_PER_SECOND).tolist()),
        counts=tuple(np.diff(bounds).tolist()),
        q1=q1,
        median=median,
        q3=q3,
        whole=values.is_integer,
    )


def _spans(rows: int) -> int:
    return min(_MOST_SPANS, max(_FEWEST_SPANS + 1, rows // _ROWS_IN_SPAN))


def _quartiles(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float | None, ...]:
    return quantiles(np.sort(values), (0.25, 0.5, 0.75)) if len(values) else (None, None, None)
