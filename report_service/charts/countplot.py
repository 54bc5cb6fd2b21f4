"""Count plots."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from report_service.charts.figure import (
    ACCENT,
    AFTER,
    BEFORE,
    HEADING,
    HEIGHT,
    INK,
    MARGIN,
    MUTED,
    QUIET,
    ChartFigure,
    height_for,
    longest,
)
from report_service.charts.text_layout import Fit, count, share
from shared.contracts.charts import CountplotChart, CountplotData

LABEL_SIZE = 9
LABEL_WIDTH = 20.0
"""In multiples of the size."""
NOTE_SIZE = 8.5
ROW = 0.175
"""Inches from bar to bar when there are many."""
TALLEST_ROW = 0.8


@dataclass(frozen=True)
class _Bar:
    label: str
    before: int
    after: int


def draw_countplot(chart: CountplotChart, *, fit: Fit) -> ChartFigure:
    """A bar for each value, longest lists cut by the worker; what was uploaded lies behind where it differs."""
    bars = _bars(chart.data, fit=fit)
    height = height_for(len(bars), lowest_bar=ROW, highest_bar=TALLEST_ROW) if bars else HEIGHT
    sheet = ChartFigure(chart.title, fit=fit, height=height)
    if not any(bar.before or bar.after for bar in bars):
        sheet.nothing("The column has no values.")
        return sheet
    room = height - HEADING - MARGIN
    used = min(room, len(bars) * TALLEST_ROW)
    left = MARGIN + longest([bar.label for bar in bars], size=LABEL_SIZE)
    notes = _notes(bars)
    right = MARGIN + longest(notes, size=NOTE_SIZE)
    _draw(sheet.axes(left=left, bottom=MARGIN + room - used, right=right), bars, notes)
    sheet.subtitle(_summary(chart.data))
    if any(bar.before != bar.after for bar in bars):
        sheet.legend()
    return sheet


def _bars(data: CountplotData, *, fit: Fit) -> Sequence[_Bar]:
    counted = zip(data.labels, data.before, data.after, strict=True)
    bars = [_Bar(fit(label, LABEL_WIDTH), before, after) for label, before, after in counted]
    if data.other_before or data.other_after:
        others = data.distinct - len(data.labels)
        label = f"{count(others)} other values" if others > 1 else "other"
        bars.append(_Bar(label, data.other_before, data.other_after))
    return bars


def _notes(bars: Sequence[_Bar]) -> Sequence[str]:
    total = sum(bar.after for bar in bars)
    changes = ["" if bar.before == bar.after else f"  (was {count(bar.before)})" for bar in bars]
    return [
        f"{count(bar.after)}  ·  {share(bar.after, total)}{change}" for bar, change in zip(bars, changes, strict=True)
    ]


def _draw(axes: Axes, bars: Sequence[_Bar], notes: Sequence[str]) -> None:
    places = [-place for place in range(len(bars))]
    # Where some bars changed, those that did not show both tables too.
    changed = any(bar.before != bar.after for bar in bars)
    if changed:
        axes.barh(places, [bar.before for bar in bars], height=0.78, color=MUTED)
    axes.barh(places, [bar.after for bar in bars], height=0.42 if changed else 0.78, color=ACCENT)
    for place, bar, note in zip(places, bars, notes, strict=True):
        _annotate(axes, note, x=max(bar.before, bar.after), y=place)
    axes.set_yticks(places, [bar.label for bar in bars], color=INK)
    axes.set_xticks([])
    axes.set_xlim(0, max(max(bar.before, bar.after) for bar in bars))
    axes.set_ylim(places[-1] - 0.5, 0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _annotate(axes: Axes, note: str, *, x: float, y: float) -> None:
    axes.annotate(
        note,
        (x, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        size=NOTE_SIZE,
        color=QUIET,
        annotation_clip=False,
    )


def _summary(data: CountplotData) -> str:
    before = sum(data.before) + data.other_before
    after = sum(data.after) + data.other_after
    kinds = f"{count(data.distinct)} different value{'' if data.distinct == 1 else 's'}"
    if before == after:
        return f"{count(after)} rows, {kinds}"
    return f"{count(before)} rows {BEFORE}, {count(after)} {AFTER}, {kinds}"
