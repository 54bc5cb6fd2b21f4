"""Words and numbers on a chart: whatever a column is called, its label fits, can be drawn and is read as plain text."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.ticker import Formatter, MaxNLocator

ELLIPSIS = "…"
MISSING_GLYPH = "□"
MINUS = "−"
MOST_DECIMALS = 6
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_POINTS_PER_INCH = 72

Fit = Callable[[str, float], str]
"""Makes a text drawable and cuts it to a width, in multiples of its font size."""


def fit_to_font(text: str, width: float) -> str:
    """A text for pictures of dots: what the font lacks is shown as a box."""
    glyphs = _font().get_charmap()
    drawable = (c if ord(c) in glyphs or c.isspace() else MISSING_GLYPH for c in _visible(text))
    return fit_to_viewer("".join(drawable), width)


def fit_to_viewer(text: str, width: float) -> str:
    """A text for pictures that keep text as text: the viewer's fonts decide what can be shown."""
    words = " ".join(_visible(text).split())
    if not words:
        return "(blank)" if text else "(empty)"
    return words if _width(words) <= width else _cut(words, width - _advance(ELLIPSIS)) + ELLIPSIS


def inches(text: str, *, size: float) -> float:
    """How long a line of text is at a font size in points."""
    return _width(text) * size / _POINTS_PER_INCH


def count(value: int) -> str:
    """A number of things."""
    return f"{value:,}"


def amount(value: float) -> str:
    """A measured value, to four digits or to the unit."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e12:
        words = f"{value:.4g}"
    else:
        words = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    return words.replace("-", MINUS)


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
    return f"× 1e{exponent}".replace("-", MINUS) if exponent else ""


class AxisNumbers(Formatter):
    """Ticks with thousands separators and as many decimals as tell them apart."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a single tick."""
        return amount(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        decimals = _decimals(values)
        labels = [f"{value:.10g}" if decimals > MOST_DECIMALS else f"{value + 0.0:,.{decimals}f}" for value in values]
        return [label.replace("-", MINUS) for label in labels]


def ticks(low: float, high: float, *, whole: bool = False) -> MaxNLocator:
    """As many ticks on a horizontal axis from `low` to `high` as their labels leave room for; `whole` ones only."""
    decimals = min(max(0, 1 - math.floor(math.log10((high - low) / 8))), MOST_DECIMALS)
    length = len(f"{max(abs(low), abs(high)):,.{decimals}f}")
    return MaxNLocator(nbins=max(2, min(8, 84 // (length + 4))), integer=whole)


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


def _width(text: str) -> float:
    return sum(_advance(character) for character in text)


def _cut(text: str, width: float) -> str:
    used = 0.0
    for place, character in enumerate(text):
        used += _advance(character)
        if used > width:
            return text[:place].rstrip()
    return text


@cache
def _font() -> FT2Font:
    font: FT2Font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return font


@cache
def _advance(character: str) -> float:
    """The width of a character in multiples of the font size; a full square where the font lacks it."""
    font = _font()
    if ord(character) not in font.get_charmap():
        return 1.0
    return font.load_char(ord(character), LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
