"""Histograms of numbers and of times."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from report_service.charts.figure import ACCENT, AFTER, BEFORE, MUTED, RULE, ChartFigure
from report_service.charts.text_layout import AxisNumbers, Fit, count, power_of_ten, scaled, ticks, unit
from shared.contracts.charts import HistogramChart

DAY_SECONDS = 86_400
_CALENDAR = (-719_000, 2_932_000)
"""Days since 1970 that matplotlib can name: the years 1 to 9997."""
_EPOCH = datetime(1970, 1, 1)
_YEAR_DAYS = 365.2425


def draw_histogram(chart: HistogramChart, *, fit: Fit) -> ChartFigure:
    """Bars for the cleaned column, before a shadow of the uploaded one where they differ."""
    sheet, data = ChartFigure(chart.title, fit=fit), chart.data
    if len(data.edges) < 2 or not any((*data.before, *data.after)):
        sheet.nothing("The column has no values.")
        return sheet
    axes = sheet.axes(left=0.95, bottom=0.8)
    edges = _time_edges(axes, data.edges) if data.axis == "time" else _number_edges(axes, data.edges, whole=data.whole)
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


def _number_edges(axes: Axes, edges: Sequence[float], *, whole: bool, label: str = "") -> Sequence[float]:
    """The edges in the axis' own unit; also prepares the axis to write them."""
    exponent = power_of_ten(edges)
    places = _widened(scaled(edges, exponent), by=0.5)
    axes.xaxis.set_major_locator(ticks(places[0], places[-1], whole=whole and not exponent))
    axes.xaxis.set_major_formatter(AxisNumbers())
    axes.set_xlabel(label or unit(exponent))
    return places


class DatesWithYear(ConciseDateFormatter):
    """Short dates, the first of which names its year where nothing else at the axis does."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        labels: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        offset: str = self.get_offset()  # type: ignore[no-untyped-call]
        if labels and not offset and not re.search(r"\d{4}", labels[0]):
            labels[0] = f"{labels[0]}\n{(_EPOCH + timedelta(days=float(values[0]))).year}"
        return labels


def _time_edges(axes: Axes, edges: Sequence[float]) -> Sequence[float]:
    days = _widened([seconds / DAY_SECONDS for seconds in edges], by=0.5)
    if days[0] < _CALENDAR[0] or days[-1] > _CALENDAR[1]:
        return _number_edges(axes, [1970 + day / _YEAR_DAYS for day in days], whole=False, label="year")
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DatesWithYear(locator, tz=UTC))  # type: ignore[no-untyped-call]
    return days


def _widened(edges: Sequence[float], *, by: float) -> Sequence[float]:
    """The edges, apart from each other: all values may be one and the same."""
    if edges[-1] > edges[0]:
        return edges
    middle, bins = edges[0], len(edges) - 1
    by = max(by, abs(middle) * 1e-6)
    return [middle - by + 2 * by * number / bins for number in range(bins + 1)]
