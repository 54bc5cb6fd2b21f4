"""How much each column misses."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from report_service.charts.figure import (
    ACCENT,
    HEADING,
    HEIGHT,
    INK,
    MARGIN,
    MUTED,
    QUIET,
    RULE,
    ChartFigure,
    height_for,
    longest,
)
from report_service.charts.text_layout import Fit, count, share
from shared.contracts.charts import MissingnessChart, MissingnessData

LABEL_SIZE = 9
LABEL_WIDTH = 20.0
"""In multiples of the size."""
NOTE_SIZE = 8.5
MOST_COLUMNS = 40
ROW = 0.21
TALLEST_ROW = 0.6


@dataclass(frozen=True)
class _Gap:
    column: str
    before: int
    after: int | None

    @property
    def left(self) -> int:
        """What the cleaned table misses; a dropped column misses nothing."""
        return self.after or 0


def draw_missingness(chart: MissingnessChart, *, fit: Fit) -> ChartFigure:
    """A bar for each column that misses something, the emptiest first."""
    gaps = sorted(_gaps(chart.data, fit=fit), key=lambda gap: -max(gap.before, gap.left))
    shown = gaps[:MOST_COLUMNS]
    height = height_for(len(shown), lowest_bar=ROW, highest_bar=TALLEST_ROW) if shown else HEIGHT
    sheet = ChartFigure(chart.title, fit=fit, height=height)
    sheet.subtitle(_summary(chart.data, gaps=len(gaps), shown=len(shown)))
    if not shown:
        sheet.nothing("Every column has a value in every row.")
        return sheet
    room = height - HEADING - MARGIN
    used = min(room, len(shown) * TALLEST_ROW)
    left = MARGIN + longest([gap.column for gap in shown], size=LABEL_SIZE)
    notes = _notes(shown, rows=chart.data.rows)
    right = MARGIN + longest(notes, size=NOTE_SIZE)
    axes = sheet.axes(left=left, bottom=MARGIN + room - used, right=right)
    _draw(axes, shown, notes, rows=chart.data.rows)
    if any(gap.before != gap.after for gap in shown):
        sheet.legend()
    return sheet


def _gaps(data: MissingnessData, *, fit: Fit) -> Sequence[_Gap]:
    columns = zip(data.columns, data.before, data.after, strict=True)
    return [_Gap(fit(name, LABEL_WIDTH), before, after) for name, before, after in columns if before or after]


def _summary(data: MissingnessData, *, gaps: int, shown: int) -> str:
    words = f"{count(gaps)} of {count(len(data.columns))} columns miss values in {count(data.rows)} rows"
    return words if shown == gaps else f"{words}; the {count(shown)} emptiest are shown"


def _notes(gaps: Sequence[_Gap], *, rows: int) -> Sequence[str]:
    return [f"{count(gap.before)}  ·  {share(gap.before, rows)}{_change(gap)}" for gap in gaps]


def _change(gap: _Gap) -> str:
    if gap.after is None:
        return "  →  dropped"
    return "" if gap.before == gap.after else f"  →  {count(gap.after)}"


def _draw(axes: Axes, gaps: Sequence[_Gap], notes: Sequence[str], *, rows: int) -> None:
    places = [-place for place in range(len(gaps))]
    axes.barh(places, [rows] * len(gaps), height=0.62, color=RULE, alpha=0.6)
    # Where some columns changed, those that did not show both tables too.
    changed = any(gap.before != gap.after for gap in gaps)
    if changed:
        axes.barh(places, [gap.before for gap in gaps], height=0.62, color=MUTED)
    axes.barh(places, [gap.left for gap in gaps], height=0.34 if changed else 0.62, color=ACCENT)
    for place, note in zip(places, notes, strict=True):
        _annotate(axes, note, x=max(rows, 1), y=place)
    axes.set_yticks(places, [gap.column for gap in gaps], color=INK)
    axes.set_xticks([])
    axes.set_xlim(0, max(rows, 1))
    axes.set_ylim(places[-1] - 0.5, 0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _annotate(axes: Axes, note: str, *, x: float, y: float) -> None:
    axes.annotate(
        note,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=NOTE_SIZE,
        color=QUIET,
        annotation_clip=False,
    )
