"""Histograms of numbers and of times."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from report_service.charts.data import HistogramChart
from report_service.charts.lettering import AxisNumbers, Fit, count, power_of_ten, scaled, ticks, unit
from report_service.charts.sheet import ACCENT, AFTER, BEFORE, MUTED, RULE, Sheet

DAY_SECONDS = 86_400
_CALENDAR = (-719_000, 2_932_000)
"""Days since 1970 that matplotlib can name: the years 1 to 9997."""
_YEAR_DAYS = 365.2425


def draw_histogram(chart: HistogramChart, *, fit: Fit) -> Sheet:
    """Bars for the cleaned column, before a shadow of the uploaded one where they differ."""
    sheet, data = Sheet(chart.title, fit=fit), chart.data
    if len(data.edges) < 2 or not any((*data.before, *data.after)):
        sheet.nothing("The column has no values.")
        return sheet
    axes = sheet.axes(left=0.95, bottom=0.8)
    edges = _edges(axes, data.edges, axis=data.axis)
    before, after = sum(data.before), sum(data.after)
    if data.before == data.after:
        _bars(axes, edges, data.after, color=ACCENT)
        sheet.subtitle(f"{count(after)} values")
    else:
        _bars(axes, edges, data.before, color=MUTED)
        axes.stairs(data.after, edges, color=ACCENT, linewidth=2)
        sheet.subtitle(f"{count(before)} values {BEFORE}, {count(after)} {AFTER}")
        sheet.legend(outline=True)
    _frame(axes, edges, highest=max(*data.before, *data.after, 1))
    return sheet


def _bars(axes: Axes, edges: Sequence[float], counts: Sequence[int], *, color: str) -> None:
    widths = [right - left for left, right in pairwise(edges)]
    line = 0.8 if len(counts) <= 80 else 0
    axes.bar(edges[:-1], counts, width=widths, align="edge", color=color, edgecolor="white", linewidth=line)


def _frame(axes: Axes, edges: Sequence[float], *, highest: int) -> None:
    # A single bar that fills the page from edge to edge would not be seen as one.
    pad = edges[-1] - edges[0] if len(edges) == 2 else 0
    axes.set_xlim(edges[0] - pad, edges[-1] + pad)
    axes.set_ylim(0, highest * 1.06)
    axes.set_ylabel("rows")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(AxisNumbers())
    axes.grid(axis="y", color=RULE)
    axes.spines["left"].set_visible(False)


def _edges(axes: Axes, edges: Sequence[float], *, axis: str) -> Sequence[float]:
    """The edges in the axis' own unit; also prepares the axis to write them."""
    return _time_edges(axes, edges) if axis == "time" else _number_edges(axes, edges)


def _number_edges(axes: Axes, edges: Sequence[float], *, label: str = "") -> Sequence[float]:
    exponent = power_of_ten(edges)
    places = _widened(scaled(edges, exponent), by=0.5)
    axes.xaxis.set_major_locator(ticks(places[0], places[-1]))
    axes.xaxis.set_major_formatter(AxisNumbers())
    axes.set_xlabel(label or unit(exponent))
    return places


def _time_edges(axes: Axes, edges: Sequence[float]) -> Sequence[float]:
    days = _widened([seconds / DAY_SECONDS for seconds in edges], by=0.5)
    if days[0] < _CALENDAR[0] or days[-1] > _CALENDAR[1]:
        return _number_edges(axes, [1970 + day / _YEAR_DAYS for day in days], label="year")
    axes.xaxis_date("UTC")
    return days


def _widened(edges: Sequence[float], *, by: float) -> Sequence[float]:
    """The edges, apart from each other: all values may be one and the same."""
    if edges[-1] > edges[0]:
        return edges
    middle, bins = edges[0], len(edges) - 1
    by = max(by, abs(middle) * 1e-6)
    return [middle - by + 2 * by * number / bins for number in range(bins + 1)]
