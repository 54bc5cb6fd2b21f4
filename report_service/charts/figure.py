"""The figure of a chart: its size, colours, heading and legend."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from report_service.charts.fonts import families
from report_service.charts.text_layout import Fit, text_width

TEXT_COLOR = "#1f2933"
SUBTLE_TEXT_COLOR = "#5f6b76"
GRID_COLOR = "#e3e7eb"
MUTED_COLOR = "#b9c2cb"
ACCENT_COLOR = "#1c6e8c"
CLASS_COLORS = (ACCENT_COLOR, MUTED_COLOR, "#b4532a", "#8fbccb", "#e9b79c", "#5f6b76")
"""The colours of classes, of which there are at most six."""

BEFORE_LABEL = "as uploaded"
AFTER_LABEL = "cleaned"

FIGURE_WIDTH = 8.0
FIGURE_HEIGHT = 5.0
MIN_FIGURE_HEIGHT = 2.6
"""Height in inches of a figure with only a few bars."""
DPI = 150
MARGIN = 0.3
"""Width of the outer margin in inches."""
LABEL_PAD = 0.1
"""Distance between a label and its axis in inches."""
HEADING_HEIGHT = 0.95
"""Distance from the upper edge to the axes in inches."""
TITLE_SIZE = 13
BOLD_WIDTH_RATIO = 1.13
"""Ratio of the widths of bold and normal letters."""


def chart_style() -> AbstractContextManager[None]:
    """Return a context with the matplotlib settings of all charts."""
    return mpl.rc_context(
        {
            # Named one by one: of a generic family, only the first font is used.
            "font.family": list(families()),
            "font.size": 9,
            "text.color": TEXT_COLOR,
            "text.parse_math": False,
            "text.usetex": False,
            "axes.edgecolor": MUTED_COLOR,
            "axes.labelcolor": SUBTLE_TEXT_COLOR,
            "axes.labelsize": 9,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.unicode_minus": True,
            "grid.color": GRID_COLOR,
            "grid.linewidth": 0.8,
            "xtick.major.pad": 6,
            "xtick.color": MUTED_COLOR,
            "xtick.labelcolor": SUBTLE_TEXT_COLOR,
            "ytick.color": MUTED_COLOR,
            "ytick.labelcolor": SUBTLE_TEXT_COLOR,
            "date.converter": "concise",
            "timezone": "UTC",
            "svg.fonttype": "none",
            "svg.hashsalt": "neuralearn",
        }
    )


class ChartFigure:
    """A figure with a heading, and space for the axes below it; sizes are in inches."""

    def __init__(self, title: str, *, fit: Fit, width: float = FIGURE_WIDTH, height: float = FIGURE_HEIGHT) -> None:
        self.width = width
        self.height = height
        self.figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        title_width = (width - 2 * MARGIN) * 72 / TITLE_SIZE / BOLD_WIDTH_RATIO
        self._add_text(fit(title, title_width), below=MARGIN, size=TITLE_SIZE, weight="bold", color=TEXT_COLOR)

    def add_subtitle(self, text: str) -> None:
        """Add a line below the title."""
        self._add_text(text, below=MARGIN + 0.28, size=9, weight="normal", color=SUBTLE_TEXT_COLOR)

    def add_axes(self, *, left: float, bottom: float, right: float = MARGIN, top: float = HEADING_HEIGHT) -> Axes:
        """Add axes with these distances in inches from the edges of the figure."""
        box = (
            left / self.width,
            bottom / self.height,
            (self.width - left - right) / self.width,
            (self.height - bottom - top) / self.height,
        )
        axes: Axes = self.figure.add_axes(box)
        axes.tick_params(length=0)
        return axes

    def add_legend(self, *, outline: bool = False) -> None:
        """Add a legend of the uploaded and the cleaned table in the upper right.

        Args:
            outline: True if the cleaned table is drawn as a line instead of filled bars.
        """
        fill_color = "white" if outline else ACCENT_COLOR
        before = Patch(facecolor=MUTED_COLOR, edgecolor=MUTED_COLOR, label=BEFORE_LABEL)
        after = Patch(facecolor=fill_color, edgecolor=ACCENT_COLOR, linewidth=1.5, label=AFTER_LABEL)
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

    def add_placeholder(self, sentence: str) -> None:
        """Add a sentence that tells why the chart is empty."""
        self.figure.text(0.5, 0.45, sentence, ha="center", va="center", size=11, color=SUBTLE_TEXT_COLOR)

    def _add_text(self, text: str, *, below: float, size: int, weight: str, color: str) -> None:
        x, y = MARGIN / self.width, 1 - below / self.height
        self.figure.text(x, y, text, va="top", size=size, weight=weight, color=color)


def figure_height(bars: int, *, min_bar_height: float, max_bar_height: float) -> float:
    """Return the height in inches of a figure with horizontal bars.

    A figure with only a few bars is lower than others.
    """
    fixed_height = HEADING_HEIGHT + MARGIN
    lowest, highest = (bars * bar_height + fixed_height for bar_height in (min_bar_height, max_bar_height))
    return max(lowest, min(FIGURE_HEIGHT, max(MIN_FIGURE_HEIGHT, highest)))


def label_width(labels: Sequence[str], *, size: float) -> float:
    """Return the width in inches that the longest label takes beside its axis."""
    return max((text_width(label, size=size) for label in labels), default=0.0) + LABEL_PAD
