"""Count plots."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from report_service.charts.figure import (
    ACCENT_COLOR,
    AFTER_LABEL,
    BEFORE_LABEL,
    FIGURE_HEIGHT,
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
from shared.contracts.charts import CountplotChart, CountplotData

LABEL_SIZE = 9
MAX_LABEL_WIDTH = 20.0
"""Largest width of a label, in multiples of its font size."""
NOTE_SIZE = 8.5
MIN_ROW_HEIGHT = 0.175
"""Smallest distance between bars in inches."""
MAX_ROW_HEIGHT = 0.8


@dataclass(frozen=True)
class _Bar:
    label: str
    before: int
    after: int


def draw_countplot(chart: CountplotChart, *, fit: Fit) -> ChartFigure:
    """Draw a bar for each value; where the uploaded count differs, its bar is drawn behind."""
    bars = _bars(chart.data, fit=fit)
    height = FIGURE_HEIGHT
    if bars:
        height = figure_height(len(bars), min_bar_height=MIN_ROW_HEIGHT, max_bar_height=MAX_ROW_HEIGHT)
    figure = ChartFigure(chart.title, fit=fit, height=height)
    if not any(bar.before or bar.after for bar in bars):
        figure.add_placeholder("The column has no values.")
        return figure
    available_height = height - HEADING_HEIGHT - MARGIN
    bars_height = min(available_height, len(bars) * MAX_ROW_HEIGHT)
    left = MARGIN + label_width([bar.label for bar in bars], size=LABEL_SIZE)
    notes = _notes(bars)
    right = MARGIN + label_width(notes, size=NOTE_SIZE)
    _draw(figure.add_axes(left=left, bottom=MARGIN + available_height - bars_height, right=right), bars, notes)
    figure.add_subtitle(_summary(chart.data))
    if any(bar.before != bar.after for bar in bars):
        figure.add_legend()
    return figure


def _bars(data: CountplotData, *, fit: Fit) -> Sequence[_Bar]:
    counts = zip(data.labels, data.before, data.after, strict=True)
    bars = [_Bar(fit(label, MAX_LABEL_WIDTH), before, after) for label, before, after in counts]
    if data.other_before or data.other_after:
        others = data.distinct - len(data.labels)
        label = f"{format_count(others)} other values" if others > 1 else "other"
        bars.append(_Bar(label, data.other_before, data.other_after))
    return bars


def _notes(bars: Sequence[_Bar]) -> Sequence[str]:
    total = sum(bar.after for bar in bars)
    changes = ["" if bar.before == bar.after else f"  (was {format_count(bar.before)})" for bar in bars]
    return [
        f"{format_count(bar.after)}  ·  {format_percentage(bar.after, total)}{change}"
        for bar, change in zip(bars, changes, strict=True)
    ]


def _draw(axes: Axes, bars: Sequence[_Bar], notes: Sequence[str]) -> None:
    positions = [-position for position in range(len(bars))]
    # If some bars changed, both tables are drawn for every bar.
    changed = any(bar.before != bar.after for bar in bars)
    if changed:
        axes.barh(positions, [bar.before for bar in bars], height=0.78, color=MUTED_COLOR)
    axes.barh(positions, [bar.after for bar in bars], height=0.42 if changed else 0.78, color=ACCENT_COLOR)
    for position, bar, note in zip(positions, bars, notes, strict=True):
        _add_note(axes, note, x=max(bar.before, bar.after), y=position)
    axes.set_yticks(positions, [bar.label for bar in bars], color=TEXT_COLOR)
    axes.set_xticks([])
    axes.set_xlim(0, max(max(bar.before, bar.after) for bar in bars))
    axes.set_ylim(positions[-1] - 0.5, 0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _add_note(axes: Axes, note: str, *, x: float, y: float) -> None:
    axes.annotate(
        note,
        (x, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        size=NOTE_SIZE,
        color=SUBTLE_TEXT_COLOR,
        annotation_clip=False,
    )


def _summary(data: CountplotData) -> str:
    before = sum(data.before) + data.other_before
    after = sum(data.after) + data.other_after
    distinct_values = f"{format_count(data.distinct)} different value{'' if data.distinct == 1 else 's'}"
    if before == after:
        return f"{format_count(after)} rows, {distinct_values}"
    return f"{format_count(before)} rows {BEFORE_LABEL}, {format_count(after)} {AFTER_LABEL}, {distinct_values}"
