"""Words and numbers on a chart: whatever a column is called, its label fits, can be drawn and is read as plain text."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise

from matplotlib import font_manager
from matplotlib.ticker import Formatter

ELLIPSIS = "…"
MISSING_GLYPH = "□"
MOST_DECIMALS = 6
_WIDE = {"W", "F"}
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}

Fit = Callable[[str, int], str]
"""Makes a text drawable and cuts it to a width, counted in narrow characters."""


def fit_to_font(text: str, width: int) -> str:
    """A text for pictures of dots: what the font lacks is shown as a box."""
    glyphs = _glyphs()
    drawable = (c if ord(c) in glyphs or c.isspace() else MISSING_GLYPH for c in _visible(text))
    return fit_to_viewer("".join(drawable), width)


def fit_to_viewer(text: str, width: int) -> str:
    """A text for pictures that keep text as text: the viewer's fonts decide what can be shown."""
    words = " ".join(_visible(text).split())
    if not words:
        return "(blank)" if text else "(empty)"
    return words if _width(words) <= width else _cut(words, width - 1) + ELLIPSIS


def count(value: int) -> str:
    """A number of things."""
    return f"{value:,}"


def amount(value: float) -> str:
    """A measured value, to four digits or to the unit."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e12:
        return f"{value:.4g}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"


def share(part: int, whole: int) -> str:
    """A percentage that says neither none nor all when it is not."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.1f} %" if percent % 100 else f"{percent:.0f} %"


def power_of_ten(values: Iterable[float]) -> int:
    """The exponent to take out of the values so that their axis reads well; 0 for everyday sizes."""
    size = max((abs(value) for value in values), default=0.0)
    return 0 if size == 0 or 1e-4 <= size < 1e12 else math.floor(math.log10(size))


def scaled(values: Iterable[float], exponent: int) -> list[float]:
    """The values without that power of ten, also where the power itself is no float."""
    return [float(Decimal(value).scaleb(-exponent)) if exponent else value for value in values]


def unit(exponent: int) -> str:
    """What to write at an axis whose values were scaled."""
    return f"× 1e{exponent}" if exponent else ""


class AxisNumbers(Formatter):
    """Ticks with thousands separators and as many decimals as tell them apart."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a single tick."""
        return amount(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        decimals = _decimals(values)
        labels = [f"{value:.6g}" if decimals > MOST_DECIMALS else f"{value + 0.0:,.{decimals}f}" for value in values]
        return [label.replace("-", "−") for label in labels]


def _decimals(locations: Sequence[float]) -> int:
    """How many decimals the smallest step between ticks has."""
    step = min((abs(right - left) for left, right in pairwise(locations)), default=0.0)
    for decimals in range(MOST_DECIMALS + 1):
        size = step * 10**decimals
        if abs(size - round(size)) <= 1e-6 * size:
            return decimals
    return MOST_DECIMALS + 1


def _visible(text: str) -> str:
    kept = (" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return "".join(c for c in kept if unicodedata.category(c) not in _INVISIBLE)


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in _WIDE) for c in text)


def _cut(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[: min(len(text) - 1, width)]
    return text.rstrip()


@cache
def _glyphs() -> frozenset[int]:
    path = font_manager.findfont("DejaVu Sans")
    return frozenset(font_manager.get_font(path).get_charmap())
