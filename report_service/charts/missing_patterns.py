"""Missing patterns: which columns miss values in the same rows."""

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from report_service.charts.figure import (
    ACCENT_COLOR,
    FIGURE_WIDTH,
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
from shared.contracts.charts import MissingPatternsChart, MissingPatternsData

LABEL_SIZE = 8.5
MAX_LABEL_WIDTH = 14.0
"""Largest width of a label, in multiples of its font size."""
_ROW_HEIGHT = 0.24
_COUNT_WIDTH = 1.5


def draw_missing_patterns(chart: MissingPatternsChart, *, fit: Fit) -> ChartFigure:
    """Draw a row for each set of columns that miss values together, the most frequent first."""
    data = chart.data
    labels = [fit(name, MAX_LABEL_WIDTH) for name in data.columns]
    below = MARGIN + label_width(labels, size=LABEL_SIZE)
    height = HEADING_HEIGHT + below + _ROW_HEIGHT * max(4, len(data.patterns))
    figure = ChartFigure(chart.title, fit=fit, height=max(MIN_FIGURE_HEIGHT, height))
    if not data.patterns:
        figure.add_placeholder("Every column has a value in every row.")
        return figure
    axes = figure.add_axes(left=MARGIN, bottom=below, right=MARGIN + _COUNT_WIDTH)
    total = sum(data.counts) + data.complete + data.other
    _draw(axes, data, total=total)
    rotation = 90 if label_width(labels, size=LABEL_SIZE) > (FIGURE_WIDTH - _COUNT_WIDTH) / len(labels) * 0.9 else 0
    axes.set_xticks(
        [index + 0.5 for index in range(len(labels))], labels, size=LABEL_SIZE, color=TEXT_COLOR, rotation=rotation
    )
    others = f"; {format_count(data.other)} rows miss others" if data.other else ""
    complete = format_percentage(data.complete, total)
    figure.add_subtitle(f"Filled: no value. {format_count(data.complete)} rows ({complete}) miss none{others}")
    return figure


def _draw(axes: Axes, data: MissingPatternsData, *, total: int) -> None:
    for row, (pattern, count) in enumerate(zip(data.patterns, data.counts, strict=True)):
        for column in range(len(data.columns)):
            color = ACCENT_COLOR if column in pattern else GRID_COLOR
            axes.add_patch(Rectangle((column + 0.06, -row - 0.9), 0.88, 0.8, facecolor=color, linewidth=0))
        note = f"{format_count(count)}  ·  {format_percentage(count, total)}"
        axes.text(
            len(data.columns) + 0.15, -row - 0.5, note, va="center", size=LABEL_SIZE, color=SUBTLE_TEXT_COLOR
        ).set_clip_on(False)
    axes.set_xlim(0, len(data.columns))
    axes.set_ylim(-len(data.patterns), 0)
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
