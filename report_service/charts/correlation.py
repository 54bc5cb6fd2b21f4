"""Correlation heatmaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from report_service.charts.figure import (
    ACCENT_COLOR,
    FIGURE_HEIGHT,
    FIGURE_WIDTH,
    GRID_COLOR,
    HEADING_HEIGHT,
    MARGIN,
    MUTED_COLOR,
    SUBTLE_TEXT_COLOR,
    TEXT_COLOR,
    ChartFigure,
    label_width,
)
from report_service.charts.text_layout import MINUS, Fit, format_count
from shared.contracts.charts import CorrelationChart

MAX_ANNOTATED_COLUMNS = 12
LABEL_WIDTH = 14.0
"""Largest width of a label, in multiples of its font size."""
CELL_INCHES_PER_POINT = 0.02
"""Smallest height of a cell in inches, for each point of the font size of its label."""
COLOR_SCALE_WIDTH = 1.0
"""Width in inches of the space for the colour scale beside the cells."""
_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#b4532a", "#e9b79c", "#fbfaf8", "#8fbccb", ACCENT_COLOR])


@dataclass(frozen=True)
class _Grid:
    """The layout of the cells and their labels, in inches (the font size in points)."""

    labels: Sequence[str]
    font: float
    left: float
    bottom_margin: float
    width: float
    height: float
    has_vertical_labels: bool
    """True if the labels below the cells are rotated by 90 degrees."""


def draw_correlation(chart: CorrelationChart, *, fit: Fit) -> ChartFigure:
    """Draw a matrix of cells, blue for positive and brown for negative correlations."""
    data = chart.data
    if not data.columns:
        figure = ChartFigure(chart.title, fit=fit)
        figure.add_placeholder("The table has no numeric columns.")
        return figure
    grid = _compute_grid(data.columns, fit=fit)
    width, height = grid.left + grid.width + COLOR_SCALE_WIDTH, HEADING_HEIGHT + grid.height + grid.bottom_margin
    figure = ChartFigure(chart.title, fit=fit, width=max(FIGURE_WIDTH, width), height=max(FIGURE_HEIGHT, height))
    figure.add_subtitle(f"Pearson's coefficient over {format_count(data.sampled_rows)} rows")
    bottom = figure.height - HEADING_HEIGHT - grid.height
    axes = figure.add_axes(left=grid.left, bottom=bottom, right=figure.width - grid.left - grid.width)
    _draw(axes, data.matrix)
    _label_axes(axes, grid)
    _draw_color_scale(figure, left=grid.left + grid.width + 0.25, bottom=bottom)
    return figure


def _compute_grid(columns: Sequence[str], *, fit: Fit) -> _Grid:
    size = len(columns)
    font = 9 if size <= 15 else 7.5 if size <= 30 else 6.5
    labels = [fit(name, LABEL_WIDTH) for name in columns]
    length = label_width(labels, size=font)
    left = MARGIN + length
    widest = FIGURE_WIDTH - left - COLOR_SCALE_WIDTH
    has_vertical_labels = length > widest / size
    bottom_margin = MARGIN + (length if has_vertical_labels else 0.25)
    height = max(FIGURE_HEIGHT - HEADING_HEIGHT - bottom_margin, size * font * CELL_INCHES_PER_POINT)
    # Cells with numbers have to be wide; without numbers people expect a square matrix.
    width = widest if size <= MAX_ANNOTATED_COLUMNS else height
    return _Grid(labels, font, left, bottom_margin, width, height, has_vertical_labels)


def _draw(axes: Axes, rows: Sequence[Sequence[float | None]]) -> None:
    matrix = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float)
    is_annotated = len(matrix) <= MAX_ANNOTATED_COLUMNS
    axes.set_facecolor(GRID_COLOR)
    # pcolormesh draws vectors. An image inside the SVG would be blocked by a strict content security policy.
    axes.pcolormesh(
        np.ma.masked_invalid(matrix),
        cmap=_DIVERGING,
        vmin=-1,
        vmax=1,
        edgecolors="white",
        linewidth=1.2 if is_annotated else 0.4,
    )
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)
    if is_annotated:
        _annotate(axes, matrix)


def _annotate(axes: Axes, matrix: npt.NDArray[np.float64]) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        text = "–" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)
        color = "white" if abs(value) > 0.7 else TEXT_COLOR
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=8, color=color)


def _label_axes(axes: Axes, grid: _Grid) -> None:
    centres = [index + 0.5 for index in range(len(grid.labels))]
    axes.set_yticks(centres, grid.labels, size=grid.font, color=TEXT_COLOR)
    rotation = 90 if grid.has_vertical_labels else 0
    axes.set_xticks(centres, grid.labels, size=grid.font, color=TEXT_COLOR, rotation=rotation)


def _draw_color_scale(figure: ChartFigure, *, left: float, bottom: float) -> None:
    """Draw the scale of the colours beside the cells."""
    axes = figure.add_axes(left=left, bottom=bottom, right=figure.width - left - 0.16)
    axes.pcolormesh([0, 1], np.linspace(-1, 1, 65), np.linspace(-1, 1, 64).reshape(-1, 1), cmap=_DIVERGING)
    axes.yaxis.tick_right()
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"], size=8, color=SUBTLE_TEXT_COLOR)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_color(MUTED_COLOR)
