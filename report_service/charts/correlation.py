"""Correlation heatmaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from report_service.charts.figure import (
    ACCENT,
    HEADING,
    HEIGHT,
    INK,
    MARGIN,
    MUTED,
    QUIET,
    RULE,
    WIDTH,
    ChartFigure,
    longest,
)
from report_service.charts.text_layout import MINUS, Fit, count
from shared.contracts.charts import CorrelationChart

ANNOTATED_COLUMNS = 12
LABEL_WIDTH = 14.0
"""In multiples of the size."""
CELL = 0.02
"""Inches a cell needs for each point of its label's size."""
SCALE_ROOM = 1.0
"""Inches beside the cells for the meaning of their colours."""
_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#b4532a", "#e9b79c", "#fbfaf8", "#8fbccb", ACCENT])


@dataclass(frozen=True)
class _Grid:
    """Where the cells lie, in inches."""

    labels: Sequence[str]
    font: float
    left: float
    below: float
    width: float
    height: float
    upright: bool
    """Whether the labels below the cells have to stand."""


def draw_correlation(chart: CorrelationChart, *, fit: Fit) -> ChartFigure:
    """A square of cells, blue where columns rise together, brown where one falls as the other rises."""
    data = chart.data
    if not data.columns:
        sheet = ChartFigure(chart.title, fit=fit)
        sheet.nothing("The table has no numeric columns.")
        return sheet
    grid = _lay_out(data.columns, fit=fit)
    width, height = grid.left + grid.width + SCALE_ROOM, HEADING + grid.height + grid.below
    sheet = ChartFigure(chart.title, fit=fit, width=max(WIDTH, width), height=max(HEIGHT, height))
    sheet.subtitle(f"Pearson's coefficient over {count(data.sampled_rows)} rows")
    bottom = sheet.height - HEADING - grid.height
    axes = sheet.axes(left=grid.left, bottom=bottom, right=sheet.width - grid.left - grid.width)
    _draw(axes, data.matrix)
    _name(axes, grid)
    _explain(sheet, left=grid.left + grid.width + 0.25, bottom=bottom)
    return sheet


def _lay_out(columns: Sequence[str], *, fit: Fit) -> _Grid:
    size = len(columns)
    font = 9 if size <= 15 else 7.5 if size <= 30 else 6.5
    labels = [fit(name, LABEL_WIDTH) for name in columns]
    length = longest(labels, size=font)
    left = MARGIN + length
    widest = WIDTH - left - SCALE_ROOM
    upright = length > widest / size
    below = MARGIN + (length if upright else 0.25)
    height = max(HEIGHT - HEADING - below, size * font * CELL)
    # Numbers need wide cells; without numbers a square is what people expect.
    width = widest if size <= ANNOTATED_COLUMNS else height
    return _Grid(labels, font, left, below, width, height, upright)


def _draw(axes: Axes, rows: Sequence[Sequence[float | None]]) -> None:
    matrix = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float)
    few = len(matrix) <= ANNOTATED_COLUMNS
    axes.set_facecolor(RULE)
    # Vectors, not an image: a picture inside an SVG is what a strict content security policy forbids.
    axes.pcolormesh(
        np.ma.masked_invalid(matrix),
        cmap=_DIVERGING,
        vmin=-1,
        vmax=1,
        edgecolors="white",
        linewidth=1.2 if few else 0.4,
    )
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)
    if few:
        _annotate(axes, matrix)


def _annotate(axes: Axes, matrix: npt.NDArray[np.float64]) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        words = "–" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS)
        color = "white" if abs(value) > 0.7 else INK
        axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", size=8, color=color)


def _name(axes: Axes, grid: _Grid) -> None:
    centres = [place + 0.5 for place in range(len(grid.labels))]
    axes.set_yticks(centres, grid.labels, size=grid.font, color=INK)
    axes.set_xticks(centres, grid.labels, size=grid.font, color=INK, rotation=90 if grid.upright else 0)


def _explain(sheet: ChartFigure, *, left: float, bottom: float) -> None:
    """What the colours mean, beside the cells."""
    axes = sheet.axes(left=left, bottom=bottom, right=sheet.width - left - 0.16)
    axes.pcolormesh([0, 1], np.linspace(-1, 1, 65), np.linspace(-1, 1, 64).reshape(-1, 1), cmap=_DIVERGING)
    axes.yaxis.tick_right()
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"], size=8, color=QUIET)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_color(MUTED)
