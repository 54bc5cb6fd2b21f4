"""Correlation heatmaps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from report_service.charts.data import CorrelationChart
from report_service.charts.lettering import Fit, count
from report_service.charts.sheet import ACCENT, HEADING, HEIGHT, INK, MUTED, QUIET, RULE, WIDTH, Sheet, label_width

ANNOTATED_COLUMNS = 12
LABEL_WIDTH = 20
CELL = 0.125
"""Inches a cell needs for its label to be read."""
_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#b4532a", "#e9b79c", "#fbfaf8", "#8fbccb", ACCENT])


def draw_correlation(chart: CorrelationChart, *, fit: Fit) -> Sheet:
    """A square of cells, blue where columns rise together, brown where one falls as the other rises."""
    data = chart.data
    size = len(data.columns)
    labels = [fit(name, LABEL_WIDTH) for name in data.columns]
    font = 9 if size <= 15 else 7.5 if size <= 30 else 6.5
    left = label_width(labels, size=font, narrowest=0.6)
    below = max(left - 0.1, 0.6)
    side = max(HEIGHT - HEADING - below, size * CELL)
    sheet = Sheet(chart.title, fit=fit, height=side + HEADING + below)
    if not size:
        sheet.nothing("The table has no numeric columns.")
        return sheet
    sheet.subtitle(f"Pearson's coefficient over {count(data.sampled_rows)} rows")
    width = min(WIDTH - left - 1.3, side * 1.35)
    axes = sheet.axes(left=left, bottom=below, right=WIDTH - left - width)
    _draw(axes, data.matrix)
    _name(axes, labels, font=font)
    _scale(sheet, left=left + width + 0.25, bottom=below)
    return sheet


def _draw(axes: Axes, rows: Sequence[Sequence[float | None]]) -> None:
    matrix = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float)
    axes.set_facecolor(RULE)
    # Vectors, not an image: a picture inside an SVG is what a strict content security policy forbids.
    axes.pcolormesh(
        np.ma.masked_invalid(matrix),
        cmap=_DIVERGING,
        vmin=-1,
        vmax=1,
        edgecolors="white",
        linewidth=1.2 if len(matrix) <= ANNOTATED_COLUMNS else 0.4,
    )
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(matrix) <= ANNOTATED_COLUMNS:
        _annotate(axes, matrix)


def _annotate(axes: Axes, matrix: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        words = "–" if np.isnan(value) else f"{value + 0.0:.2f}".replace("-", "−")
        color = "white" if abs(value) > 0.7 else INK
        axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", size=8, color=color)


def _name(axes: Axes, labels: Sequence[str], *, font: float) -> None:
    centres = [place + 0.5 for place in range(len(labels))]
    axes.set_yticks(centres, labels, size=font, color=INK)
    axes.set_xticks(centres, labels, size=font, color=INK, rotation=90)


def _scale(sheet: Sheet, *, left: float, bottom: float) -> None:
    """What the colours mean, beside the cells."""
    axes = sheet.axes(left=left, bottom=bottom, right=WIDTH - left - 0.16)
    axes.pcolormesh([0, 1], np.linspace(-1, 1, 65), np.linspace(-1, 1, 64).reshape(-1, 1), cmap=_DIVERGING)
    axes.yaxis.tick_right()
    axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"], size=8, color=QUIET)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_color(MUTED)
