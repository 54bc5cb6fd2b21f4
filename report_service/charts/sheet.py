"""The sheet every chart is drawn on: its size, its palette, its heading and its legend."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from report_service.charts.lettering import Fit

INK = "#1f2933"
QUIET = "#5f6b76"
RULE = "#e3e7eb"
MUTED = "#b9c2cb"
ACCENT = "#1c6e8c"

BEFORE = "as uploaded"
AFTER = "cleaned"

WIDTH = 8.0
HEIGHT = 5.0
DPI = 150
MARGIN = 0.3
"""Inches around everything."""
HEADING = 0.95
"""Inches the heading takes, from the upper edge to the axes."""
TITLE_WIDTH = 72


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


class Sheet:
    """A page with a heading, and room for one pair of axes below it."""

    def __init__(self, title: str, *, fit: Fit, height: float = HEIGHT) -> None:
        self.fit = fit
        self.figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
        self._height = height
        self._write(fit(title, TITLE_WIDTH), inches=MARGIN, size=13, weight="bold", color=INK)

    def subtitle(self, text: str) -> None:
        """One line below the title."""
        self._write(text, inches=MARGIN + 0.28, size=9, weight="normal", color=QUIET)

    def axes(self, *, left: float, bottom: float, right: float = MARGIN, top: float = HEADING) -> Axes:
        """Axes that leave so many inches free on each side."""
        box = (
            left / WIDTH,
            bottom / self._height,
            (WIDTH - left - right) / WIDTH,
            (self._height - bottom - top) / self._height,
        )
        axes: Axes = self.figure.add_axes(box)
        axes.tick_params(length=0)
        return axes

    def legend(self, before: str = BEFORE, after: str = AFTER) -> None:
        """Say in the upper right which colour is which table."""
        handles: Sequence[Artist] = [Patch(color=MUTED, label=before), Patch(color=ACCENT, label=after)]
        self.figure.legend(
            handles=list(handles),
            loc="upper right",
            bbox_to_anchor=(1 - MARGIN / WIDTH, 1 - (MARGIN + 0.22) / self._height),
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

    def _write(self, text: str, *, inches: float, size: int, weight: str, color: str) -> None:
        self.figure.text(
            MARGIN / WIDTH, 1 - inches / self._height, text, va="top", size=size, weight=weight, color=color
        )


def label_width(labels: Sequence[str], *, size: float = 9, narrowest: float = 0.9, widest: float = 2.8) -> float:
    """Inches the longest label takes, roughly: measuring would draw everything twice."""
    longest = max((len(label) for label in labels), default=0)
    return min(max(longest * size * 0.0092, narrowest), widest) + MARGIN
