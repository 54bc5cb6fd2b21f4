"""Scatterplots of two columns."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from report_service.charts.figure import ACCENT_COLOR, GRID_COLOR, ChartFigure
from report_service.charts.text_layout import Fit, format_count, format_percentage
from report_service.charts.value_axis import set_log_ticks, set_number_axis, set_time_axis, widen
from shared.contracts.charts import AxisData, ScatterChart, ScatterData

MAX_LABEL_WIDTH = 40.0
"""Largest width of the name of an axis, in multiples of its font size."""
_HEADROOM = 0.04
"""Space beside the outermost points, as a share of the axis."""


def draw_scatter(chart: ScatterChart, *, fit: Fit) -> ChartFigure:
    """Draw a point for each of some rows."""
    figure, data = ChartFigure(chart.title, fit=fit), chart.data
    if not data.x:
        figure.add_placeholder("No row has both values.")
        return figure
    axes = figure.add_axes(left=1.15, bottom=0.85)
    x_label, y_label = (fit(name, MAX_LABEL_WIDTH) for name in chart.columns)
    x = _set_axis(axes, "x", data.x, data.x_axis, label=x_label)
    y = _set_axis(axes, "y", data.y, data.y_axis, label=y_label)
    axes.scatter(x, y, s=16, color=ACCENT_COLOR, alpha=0.5, linewidths=0)
    _set_limits(axes, data, x, y)
    axes.grid(color=GRID_COLOR)
    shown = "" if len(data.x) == data.rows else f", {format_count(len(data.x))} of them drawn"
    explained = format_percentage(round(1000 * data.strength), 1000)
    figure.add_subtitle(f"{format_count(data.rows)} rows{shown}; each explains {explained} of the order of the other")
    return figure


def _set_limits(axes: Axes, data: ScatterData, x: Sequence[float], y: Sequence[float]) -> None:
    axes.margins(_HEADROOM)
    if min(x) == max(x) and data.x_axis.scale == "linear":
        axes.set_xlim(*widen(x[0], x[0]))
    if min(y) == max(y) and data.y_axis.scale == "linear":
        axes.set_ylim(*widen(y[0], y[0]))


def _set_axis(axes: Axes, name: str, values: Sequence[float], form: AxisData, *, label: str) -> Sequence[float]:
    axis = axes.xaxis if name == "x" else axes.yaxis
    if form.kind == "time":
        return set_time_axis(axis, values, label=label)
    if form.scale == "log":
        set_scale = axes.set_xscale if name == "x" else axes.set_yscale
        set_scale("log")
        set_log_ticks(axis, min(values), max(values))
        axis.set_label_text(f"{label} (logarithmic scale)")
        return values
    return set_number_axis(axis, values, whole=form.whole, label=label)
