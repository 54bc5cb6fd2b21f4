"""Stacked bars: the shares of one column's levels within each level of another one."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from report_service.charts.figure import (
    CLASS_COLORS,
    HEADING_HEIGHT,
    MARGIN,
    MIN_FIGURE_HEIGHT,
    SUBTLE_TEXT_COLOR,
    TEXT_COLOR,
    ChartFigure,
    label_width,
)
from report_service.charts.text_layout import Fit, format_count, format_percentage
from shared.contracts.charts import StackedBarChart, StackedBarData

LABEL_SIZE = 9
MAX_LABEL_WIDTH = 20.0
"""Largest width of a label, in multiples of its font size."""
MAX_CLASS_WIDTH = 12.0
_LEGEND_HEIGHT = 0.4
_LEGEND_ROW_HEIGHT = 0.2
_LONG_CLASSES = 40
"""More characters than these in all classes have no room in one line."""
_ROW_HEIGHT = 0.36
_DARK_CLASSES = (0, 2, 5)
"""The places of the colours on which white is easier to read."""
_SMALLEST_WRITTEN = 0.07
"""A smaller share has no room for its number."""


def draw_stacked_bar(chart: StackedBarChart, *, fit: Fit) -> ChartFigure:
    """Draw a bar for each level, divided into the shares of the classes."""
    data = chart.data
    legend_rows = -(-len(data.classes) // max(1, _legend_columns(data)))
    legend = _LEGEND_HEIGHT + _LEGEND_ROW_HEIGHT * (legend_rows - 1)
    height = HEADING_HEIGHT + legend + MARGIN + _ROW_HEIGHT * max(2, len(data.labels))
    figure = ChartFigure(chart.title, fit=fit, height=max(MIN_FIGURE_HEIGHT, height))
    if not data.labels:
        figure.add_placeholder("No row has both values.")
        return figure
    labels = [fit(label, MAX_LABEL_WIDTH) for label in data.labels]
    notes = [format_count(sum(row)) for row in data.counts]
    left = MARGIN + label_width(labels, size=LABEL_SIZE)
    axes = figure.add_axes(left=left, bottom=MARGIN + legend, right=MARGIN + label_width(notes, size=LABEL_SIZE))
    _draw(axes, data, notes)
    axes.set_yticks([-position for position in range(len(labels))], labels, size=LABEL_SIZE, color=TEXT_COLOR)
    figure.figure.legend(
        handles=[
            Patch(facecolor=CLASS_COLORS[index], label=fit(name, MAX_CLASS_WIDTH))
            for index, name in enumerate(data.classes)
        ],
        loc="lower left",
        bbox_to_anchor=(MARGIN / figure.width, 0.12 / figure.height),
        ncols=_legend_columns(data),
        frameon=False,
        borderaxespad=0,
    )
    others = f"; {format_count(data.other)} rows of other levels are left out" if data.other else ""
    strength = format_percentage(round(1000 * data.strength), 1000)
    figure.add_subtitle(f"Shares within each level; association {strength}{others}")
    return figure


def _legend_columns(data: StackedBarData) -> int:
    return 3 if sum(map(len, data.classes)) > _LONG_CLASSES else len(data.classes)


def _draw(axes: Axes, data: StackedBarData, notes: list[str]) -> None:
    counts = np.array(data.counts, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    starts = np.cumsum(shares, axis=1) - shares
    positions = [-position for position in range(len(counts))]
    for index in range(shares.shape[1]):
        axes.barh(positions, shares[:, index], left=starts[:, index], height=0.72, color=CLASS_COLORS[index])
        for y, start, share in zip(positions, starts[:, index], shares[:, index], strict=True):
            if share >= _SMALLEST_WRITTEN:
                color = "white" if index in (0, 2, 5) else TEXT_COLOR
                axes.text(
                    start + share / 2, y, f"{round(100 * share)} %", ha="center", va="center", size=8, color=color
                )
    for y, note in zip(positions, notes, strict=True):
        axes.text(1, y, f" {note}", va="center", ha="left", size=LABEL_SIZE, color=SUBTLE_TEXT_COLOR, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(positions[-1] - 0.5, 0.5)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
