"""Box plots of a column for each level of another one."""

from collections.abc import Sequence
from itertools import islice

from matplotlib.axes import Axes

from report_service.charts.boxplot import box_limits, box_of, draw_box, values_of
from report_service.charts.figure import (
    ACCENT_COLOR,
    GRID_COLOR,
    HEADING_HEIGHT,
    MARGIN,
    MIN_FIGURE_HEIGHT,
    SUBTLE_TEXT_COLOR,
    TEXT_COLOR,
    ChartFigure,
    label_width,
)
from report_service.charts.text_layout import Fit, format_count, format_percentage
from report_service.charts.value_axis import set_number_axis, set_time_axis
from shared.contracts.charts import BoxData, GroupedBoxplotChart, GroupedBoxplotData

LABEL_SIZE = 9
MAX_LABEL_WIDTH = 20.0
"""Largest width of a label, in multiples of its font size."""
_BOTTOM = 0.85
_ROW_HEIGHT = 0.52


def draw_grouped_boxplot(chart: GroupedBoxplotChart, *, fit: Fit) -> ChartFigure:
    """Draw a box for each level, with the number of its values."""
    data = chart.data
    height = HEADING_HEIGHT + _BOTTOM + _ROW_HEIGHT * max(2, len(data.boxes))
    figure = ChartFigure(chart.title, fit=fit, height=max(MIN_FIGURE_HEIGHT, height))
    if not data.boxes:
        figure.add_placeholder("No level has values.")
        return figure
    labels = [fit(label, MAX_LABEL_WIDTH) for label in data.labels]
    notes = [format_count(count) for count in data.counts]
    left = MARGIN + label_width(labels, size=LABEL_SIZE)
    axes = figure.add_axes(left=left, bottom=_BOTTOM, right=MARGIN + label_width(notes, size=LABEL_SIZE))
    raw_low, raw_high = box_limits(data.boxes)
    hidden = sum(not raw_low <= value <= raw_high for box in data.boxes for value in box.outliers)
    data = data.model_copy(update={"boxes": [_within(box, raw_low, raw_high) for box in data.boxes]})
    boxes = _set_axis(axes, data, label=fit(chart.columns[0], MAX_LABEL_WIDTH))
    for position, box in enumerate(boxes):
        draw_box(axes, box, y=-position, color=ACCENT_COLOR)
    low, high = box_limits(boxes)
    axes.set_xlim(low, high)
    axes.set_ylim(0.5 - len(boxes), 0.5)
    axes.set_yticks([-position for position in range(len(boxes))], labels, size=LABEL_SIZE, color=TEXT_COLOR)
    for position, note in enumerate(notes):
        axes.text(
            high, -position, f" {note}", va="center", ha="left", size=LABEL_SIZE, color=SUBTLE_TEXT_COLOR, clip_on=False
        )
    axes.grid(axis="x", color=GRID_COLOR)
    axes.spines["left"].set_visible(False)
    explained = format_percentage(round(1000 * data.strength), 1000)
    others = f"; {format_count(data.other)} values of other levels are left out" if data.other else ""
    beyond = f"; {format_count(hidden)} outliers lie beyond the axis" if hidden else ""
    figure.add_subtitle(f"The levels explain {explained} of the order of the values{others}{beyond}")
    return figure


def _within(box: BoxData, low: float, high: float) -> BoxData:
    """Return a box with the outliers between two limits."""
    return box.model_copy(update={"outliers": tuple(value for value in box.outliers if low <= value <= high)})


def _set_axis(axes: Axes, data: GroupedBoxplotData, *, label: str) -> Sequence[BoxData]:
    """Set up the axis of the values and return the boxes in its unit."""
    values = [value for box in data.boxes for value in values_of(box)]
    if data.kind == "time":
        scaled = iter(set_time_axis(axes.xaxis, values, label=label))
    else:
        scaled = iter(set_number_axis(axes.xaxis, values, whole=data.whole, label=label))
    return [box_of(list(islice(scaled, len(values_of(box)))), outlier_count=box.outlier_count) for box in data.boxes]
