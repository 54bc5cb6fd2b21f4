"""Timelines: the median and the middle half of a column over time."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes

from report_service.charts.figure import ACCENT_COLOR, GRID_COLOR, ChartFigure
from report_service.charts.text_layout import Fit, common_exponent, format_count, scale_values
from report_service.charts.value_axis import set_number_axis, set_time_axis
from shared.contracts.charts import TimelineChart, TimelineData

MAX_LABEL_WIDTH = 30.0
"""Largest width of the name of the column, in multiples of its font size."""


def draw_timeline(chart: TimelineChart, *, fit: Fit) -> ChartFigure:
    """Draw the median of each span of time as a line, and the middle half of the values as a band."""
    figure, data = ChartFigure(chart.title, fit=fit), chart.data
    if not any(data.counts):
        figure.add_placeholder("No row has a value and a time.")
        return figure
    axes = figure.add_axes(left=1.15, bottom=0.8)
    _draw(axes, data, label=fit(chart.columns[0], MAX_LABEL_WIDTH))
    axes.grid(axis="y", color=GRID_COLOR)
    axes.spines["left"].set_visible(False)
    rows, spans = format_count(sum(data.counts)), format_count(sum(count > 0 for count in data.counts))
    figure.add_subtitle(f"{rows} rows in {spans} spans of time; line: the median, band: the middle half of the values")
    return figure


def runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Return where runs of consecutive indices begin and end in a sequence of them."""
    ends = [index for index in range(1, len(indices)) if indices[index] != indices[index - 1] + 1]
    return list(pairwise([0, *ends, len(indices)]))


def _draw(axes: Axes, data: TimelineData, *, label: str) -> None:
    edges = set_time_axis(axes.xaxis, data.edges)
    middles = [(start + end) / 2 for start, end in pairwise(edges)]
    known = [index for index, count in enumerate(data.counts) if count]
    values = [value for line in (data.q1, data.median, data.q3) for value in line if value is not None]
    set_number_axis(axes.yaxis, values, whole=data.whole, label=label)
    exponent = common_exponent(values)
    q1, median, q3 = (
        scale_values([line[index] or 0.0 for index in known], exponent) for line in (data.q1, data.median, data.q3)
    )
    x = [middles[index] for index in known]
    # Spans without a value part the line: nothing is known of them.
    for start, end in runs(known):
        part = slice(start, end)
        axes.fill_between(x[part], q1[part], q3[part], color=ACCENT_COLOR, alpha=0.2, linewidth=0)
        axes.plot(x[part], median[part], color=ACCENT_COLOR, linewidth=2, marker="o", markersize=3)
    axes.set_xlim(edges[0], edges[-1])
