"""Histograms of numbers and of times."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from report_service.charts.figure import ACCENT_COLOR, AFTER_LABEL, BEFORE_LABEL, GRID_COLOR, MUTED_COLOR, ChartFigure
from report_service.charts.text_layout import (
    Fit,
    TickFormatter,
    common_exponent,
    format_count,
    format_exponent,
    format_short,
    scale_values,
    tick_locator,
)
from shared.contracts.charts import HistogramChart, HistogramData

SECONDS_PER_DAY = 86_400
_CALENDAR_DAYS = (-719_000, 2_932_000)
"""Range of days since 1970 that matplotlib can format: the years 1 to 9997."""
_EPOCH = datetime(1970, 1, 1)
_DAYS_PER_YEAR = 365.2425
_YEAR = "year"
_MOST_POWERS = 9
"""Ticks on a logarithmic axis."""


def draw_histogram(chart: HistogramChart, *, fit: Fit) -> ChartFigure:
    """Draw a histogram of the cleaned column.

    If cleaning changed the column, its histogram is an outline over the bars of the uploaded column.
    """
    figure, data = ChartFigure(chart.title, fit=fit), chart.data
    if len(data.edges) < 2 or not any((*data.before, *data.after)):
        figure.add_placeholder("The column has no values.")
        return figure
    axes = figure.add_axes(left=0.95, bottom=0.8)
    if data.axis == "time":
        edges = _set_time_axis(axes, data.edges)
    else:
        edges = _set_number_axis(axes, data.edges, whole=data.whole)
        _set_scale(axes, data)
    before, after = sum(data.before), sum(data.after)
    beyond = f"; {format_count(data.outside)} more lie beyond the axis" if data.outside else ""
    if data.before == data.after:
        _draw_bars(axes, edges, data.after, color=ACCENT_COLOR)
        figure.add_subtitle(f"{format_count(after)} values{beyond}")
    else:
        _draw_bars(axes, edges, data.before, color=MUTED_COLOR)
        axes.stairs(data.after, edges, color=ACCENT_COLOR, linewidth=2)
        values = f"{format_count(before)} values {BEFORE_LABEL}, {format_count(after)} {AFTER_LABEL}"
        figure.add_subtitle(f"{values}{beyond}")
        figure.add_legend(outline=True)
    _format_axes(axes, edges, highest=max(*data.before, *data.after, 1))
    return figure


def _set_scale(axes: Axes, data: HistogramData) -> None:
    """Make the x axis logarithmic where the bins are, with ticks at powers of ten that there is room for."""
    if data.scale == "linear":
        return
    if data.scale == "log":
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=data.linear_within)
    axes.xaxis.set_major_locator(FixedLocator(_power_ticks(data)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_short(value)))
    axes.set_xlabel("logarithmic scale")


def _power_ticks(data: HistogramData) -> list[float]:
    """Return powers of ten, on both sides of zero where the axis has these, and zero between them."""
    low, high = data.edges[0], data.edges[-1]
    smallest = data.linear_within or low
    above = _powers(smallest, high)
    if data.scale == "log":
        return above[:: max(1, -(-len(above) // _MOST_POWERS))]
    below = _powers(smallest, -low) if low < -smallest else []
    every = max(1, -(-(len(below) + 1 + len(above)) // _MOST_POWERS))
    # Counted from zero on, so that zero is among them.
    return [*(-power for power in reversed(below[every - 1 :: every])), 0.0, *above[every - 1 :: every]]


def _powers(smallest: float, largest: float) -> list[float]:
    first, last = math.ceil(math.log10(smallest) - 1e-9), math.floor(math.log10(largest) + 1e-9)
    return [10.0**exponent for exponent in range(first, last + 1)]


def _draw_bars(axes: Axes, edges: Sequence[float], counts: Sequence[int], *, color: str) -> None:
    widths = [right - left for left, right in pairwise(edges)]
    line_width = 0.8 if len(counts) <= 80 else 0
    axes.bar(edges[:-1], counts, width=widths, align="edge", color=color, edgecolor="white", linewidth=line_width)


def _format_axes(axes: Axes, edges: Sequence[float], *, highest: int) -> None:
    # A single bar that fills the axes from edge to edge would not look like a bar.
    pad = edges[-1] - edges[0] if len(edges) == 2 else 0
    axes.set_xlim(edges[0] - pad, edges[-1] + pad)
    axes.set_ylim(0, highest * 1.06)
    axes.set_ylabel("rows")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(TickFormatter())
    axes.grid(axis="y", color=GRID_COLOR)
    axes.spines["left"].set_visible(False)


def _set_number_axis(axes: Axes, edges: Sequence[float], *, whole: bool, label: str = "") -> Sequence[float]:
    """Set up the x axis for numbers and return the bin edges in its unit."""
    exponent = common_exponent(edges)
    scaled_edges = _widen(scale_values(edges, exponent), by=0.5)
    axes.xaxis.set_major_locator(tick_locator(scaled_edges[0], scaled_edges[-1], whole=whole and not exponent))
    axes.xaxis.set_major_formatter(TickFormatter(may_be_years=(whole or label == _YEAR) and not exponent))
    axes.set_xlabel(label or format_exponent(exponent))
    return scaled_edges


class DateFormatterWithYear(ConciseDateFormatter):
    """A formatter of short dates that adds the year if no other label of the axis names it."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks of an axis."""
        labels: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        offset: str = self.get_offset()  # type: ignore[no-untyped-call]
        if labels and not offset and not re.search(r"\d{4}", labels[0]):
            labels[0] = f"{labels[0]}\n{(_EPOCH + timedelta(days=float(values[0]))).year}"
        return labels


def _set_time_axis(axes: Axes, edges: Sequence[float]) -> Sequence[float]:
    days = _widen([seconds / SECONDS_PER_DAY for seconds in edges], by=0.5)
    if days[0] < _CALENDAR_DAYS[0] or days[-1] > _CALENDAR_DAYS[1]:
        return _set_number_axis(axes, [1970 + day / _DAYS_PER_YEAR for day in days], whole=False, label=_YEAR)
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatterWithYear(locator, tz=UTC))  # type: ignore[no-untyped-call]
    return days


def _widen(edges: Sequence[float], *, by: float) -> Sequence[float]:
    """Return the edges, spread around the value if they are all equal."""
    if edges[-1] > edges[0]:
        return edges
    middle, bins = edges[0], len(edges) - 1
    by = max(by, abs(middle) * 1e-6)
    return [middle - by + 2 * by * number / bins for number in range(bins + 1)]
