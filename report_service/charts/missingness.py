"""Missingness charts: the number of missing values in each column."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from report_service.charts.figure import (
    ACCENT_COLOR,
    FIGURE_HEIGHT,
    GRID_COLOR,
    HEADING_HEIGHT,
    MARGIN,
    MUTED_COLOR,
    SUBTLE_TEXT_COLOR,
    TEXT_COLOR,
    ChartFigure,
    figure_height,
    label_width,
)
from report_service.charts.text_layout import Fit, format_count, format_percentage
from shared.contracts.charts import MissingnessChart, MissingnessData

LABEL_SIZE = 9
MAX_LABEL_WIDTH = 20.0
"""Largest width of a label, in multiples of its font size."""
NOTE_SIZE = 8.5
MAX_COLUMNS = 40
MIN_ROW_HEIGHT = 0.21
MAX_ROW_HEIGHT = 0.6


@dataclass(frozen=True)
class _MissingCount:
    name: str
    before: int
    after: int | None

    @property
    def remaining(self) -> int:
        """Number of missing values in the cleaned table; 0 for a dropped column."""
        return self.after or 0


def draw_missingness(chart: MissingnessChart, *, fit: Fit) -> ChartFigure:
    """Draw a bar for each column with missing values, the emptiest first."""
    columns = sorted(_missing_counts(chart.data, fit=fit), key=lambda column: -max(column.before, column.remaining))
    shown = columns[:MAX_COLUMNS]
    height = FIGURE_HEIGHT
    if shown:
        height = figure_height(len(shown), min_bar_height=MIN_ROW_HEIGHT, max_bar_height=MAX_ROW_HEIGHT)
    figure = ChartFigure(chart.title, fit=fit, height=height)
    figure.add_subtitle(_summary(chart.data, columns=len(columns), shown=len(shown)))
    if not shown:
        figure.add_placeholder("Every column has a value in every row.")
        return figure
    available_height = height - HEADING_HEIGHT - MARGIN
    bars_height = min(available_height, len(shown) * MAX_ROW_HEIGHT)
    left = MARGIN + label_width([column.name for column in shown], size=LABEL_SIZE)
    notes = _notes(shown, rows=chart.data.rows)
    right = MARGIN + label_width(notes, size=NOTE_SIZE)
    axes = figure.add_axes(left=left, bottom=MARGIN + available_height - bars_height, right=right)
    _draw(axes, shown, notes, rows=chart.data.rows)
    if any(column.before != column.after for column in shown):
        figure.add_legend()
    return figure


def _missing_counts(data: MissingnessData, *, fit: Fit) -> Sequence[_MissingCount]:
    counts = zip(data.columns, data.before, data.after, strict=True)
    return [
        _MissingCount(fit(name, MAX_LABEL_WIDTH), before, after) for name, before, after in counts if before or after
    ]


def _summary(data: MissingnessData, *, columns: int, shown: int) -> str:
    total = format_count(len(data.columns))
    text = f"{format_count(columns)} of {total} columns miss values in {format_count(data.rows)} rows"
    return text if shown == columns else f"{text}; the {format_count(shown)} emptiest are shown"


def _notes(columns: Sequence[_MissingCount], *, rows: int) -> Sequence[str]:
    return [
        f"{format_count(column.before)}  ·  {format_percentage(column.before, rows)}{_change_note(column)}"
        for column in columns
    ]


def _change_note(column: _MissingCount) -> str:
    if column.after is None:
        return "  →  dropped"
    return "" if column.before == column.after else f"  →  {format_count(column.after)}"


def _draw(axes: Axes, columns: Sequence[_MissingCount], notes: Sequence[str], *, rows: int) -> None:
    positions = [-position for position in range(len(columns))]
    axes.barh(positions, [rows] * len(columns), height=0.62, color=GRID_COLOR, alpha=0.6)
    # If some columns changed, both tables are drawn for every column.
    changed = any(column.before != column.after for column in columns)
    if changed:
        axes.barh(positions, [column.before for column in columns], height=0.62, color=MUTED_COLOR)
    axes.barh(positions, [column.remaining for column in columns], height=0.34 if changed else 0.62, color=ACCENT_COLOR)
    for position, note in zip(positions, notes, strict=True):
        _add_note(axes, note, x=max(rows, 1), y=position)
    axes.set_yticks(positions, [column.name for column in columns], color=TEXT_COLOR)
    axes.set_xticks([])
    axes.set_xlim(0, max(rows, 1))
    axes.set_ylim(positions[-1] - 0.5, 0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _add_note(axes: Axes, note: str, *, x: float, y: float) -> None:
    axes.annotate(
        note,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=NOTE_SIZE,
        color=SUBTLE_TEXT_COLOR,
        annotation_clip=False,
    )
