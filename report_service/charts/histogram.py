"""Histograms of numbers and of times."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from report_service.charts.figure import ACCENT_COLOR, AFTER_LABEL, BEFORE_LABEL, GRID_COLOR, MUTED_COLOR, ChartFigure
from report_service.charts.text_layout import Fit, TickFormatter, format_count
from report_service.charts.value_axis import set_log_ticks, set_number_axis, set_time_axis
from shared.contracts.charts import HistogramChart, HistogramData

_HALF_DAY = 43_200


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
        edges = set_time_axis(axes.xaxis, _widen(data.edges, by=_HALF_DAY))
    else:
        edges = set_number_axis(axes.xaxis, _widen(data.edges, by=0.5), whole=data.whole)
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
    set_log_ticks(axes.xaxis, data.edges[0], data.edges[-1], linear_within=data.linear_within)
    axes.set_xlabel("logarithmic scale")


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


def _widen(edges: Sequence[float], *, by: float) -> Sequence[float]:
    """Return the edges, spread around the value if they are all equal."""
    if edges[-1] > edges[0]:
        return edges
    middle, bins = edges[0], len(edges) - 1
    by = max(by, abs(middle) * 1e-6)
    return [middle - by + 2 * by * number / bins for number in range(bins + 1)]
