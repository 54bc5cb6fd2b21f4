"""The sheet every chart is drawn on: its size, its palette, its heading and its legend."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from report_service.charts.text_layout import Fit, inches

INK = "#1f2933"
QUIET = "#5f6b76"
RULE = "#e3e7eb"
MUTED = "#b9c2cb"
ACCENT = "#1c6e8c"

BEFORE = "as uploaded"
AFTER = "cleaned"

WIDTH = 8.0
HEIGHT = 5.0
LOWEST = 2.6
"""Inches of a sheet with only a few bars."""
DPI = 150
MARGIN = 0.3
"""Inches around everything."""
LABEL_PAD = 0.1
"""Inches between a label and its axis."""
HEADING = 0.95
"""Inches the heading takes, from the upper edge to the axes."""
TITLE_SIZE = 13
BOLDNESS = 1.13
"""How much wider bold letters are."""


def house_style() -> AbstractContextManager[None]:
    """Our settings of matplotlib for the duration of a drawing."""
    return mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": 9,
            "text.color": INK,
            "text.parse_math": False,
            "text.usetex": False,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": QUIET,
            "axes.labelsize": 9,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.unicode_minus": True,
            "grid.color": RULE,
            "grid.linewidth": 0.8,
            "xtick.major.pad": 6,
            "xtick.color": MUTED,
            "xtick.labelcolor": QUIET,
            "ytick.color": MUTED,
            "ytick.labelcolor": QUIET,
            "date.converter": "concise",
            "timezone": "UTC",
            "svg.fonttype": "none",
            "svg.hashsalt": "neuralearn",
        }
    )


class ChartFigure:
    """A page with a heading, and room for one pair of axes below it."""

    def __init__(self, title: str, *, fit: Fit, width: float = WIDTH, height: float = HEIGHT) -> None:
        self.width = width
        self.height = height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        room = (width - 2 * MARGIN) * 72 / TITLE_SIZE / BOLDNESS
        self._write(fit(title, room), below=MARGIN, size=TITLE_SIZE, weight="bold", color=INK)

    def subtitle(self, text: str) -> None:
        """One line below the title."""
        self._write(text, below=MARGIN + 0.28, size=9, weight="normal", color=QUIET)

    def axes(self, *, left: float, bottom: float, right: float = MARGIN, top: float = HEADING) -> Axes:
        """Axes that leave so many inches free on each side."""
        box = (
            left / self.width,
            bottom / self.height,
            (self.width - left - right) / self.width,
            (self.height - bottom - top) / self.height,
        )
        axes: Axes = self.figure.add_axes(box)
        axes.tick_params(length=0)
        return axes

    def legend(self, *, outline: bool = False) -> None:
        """Say in the upper right which colour is which table; `outline` where the cleaned one is a line."""
        filling = "white" if outline else ACCENT
        before = Patch(facecolor=MUTED, edgecolor=MUTED, label=BEFORE)
        after = Patch(facecolor=filling, edgecolor=ACCENT, linewidth=1.5, label=AFTER)
        self.figure.legend(
            handles=[before, after],
            loc="upper right",
            bbox_to_anchor=(1 - MARGIN / self.width, 1 - (MARGIN + 0.26) / self.height),
            ncols=2,
            frameon=False,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.1,
            handleheight=0.9,
            handletextpad=0.5,
            columnspacing=1.4,
        )

    def nothing(self, sentence: str) -> None:
        """Say why there is nothing to see."""
        self.figure.text(0.5, 0.45, sentence, ha="center", va="center", size=11, color=QUIET)

    def _write(self, text: str, *, below: float, size: int, weight: str, color: str) -> None:
        x, y = MARGIN / self.width, 1 - below / self.height
        self.figure.text(x, y, text, va="top", size=size, weight=weight, color=color)


def height_for(bars: int, *, lowest_bar: float, highest_bar: float) -> float:
    """Inches of a sheet on which so many bars lie one below the other: no emptier than its bars need."""
    around = HEADING + MARGIN
    return max(bars * lowest_bar + around, min(HEIGHT, max(LOWEST, bars * highest_bar + around)))


def longest(labels: Sequence[str], *, size: float) -> float:
    """Inches the longest label takes beside its axis."""
    return max((inches(label, size=size) for label in labels), default=0.0) + LABEL_PAD
