"""Layout of the labels and numbers of charts, for any column name."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise

from matplotlib.ft2font import LoadFlags
from matplotlib.ticker import Formatter, MaxNLocator

from report_service.charts.fonts import font_of

ELLIPSIS = "…"
MISSING_GLYPH = "□"
MINUS = "−"
MAX_DECIMALS = 6
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_POINTS_PER_INCH = 72
_FIRST_YEAR, _LAST_YEAR = 1500, 2200

Fit = Callable[[str, float], str]
"""A function that makes a text drawable and truncates it to a width, in multiples of its font size."""


def fit_to_font(text: str, width: float) -> str:
    """Return a text for PNG pictures, truncated to a width.

    A box replaces each character that all fonts lack.
    """
    drawable = (c if c.isspace() or font_of(c) else MISSING_GLYPH for c in _remove_invisible(text))
    return fit_to_viewer("".join(drawable), width)


def fit_to_viewer(text: str, width: float) -> str:
    """Return a text for SVG pictures, truncated to a width.

    Characters that the fonts lack are kept, because the viewer has its own fonts.
    """
    line = " ".join(_remove_invisible(text).split())
    if not line:
        return "(blank)" if text else "(empty)"
    return line if _relative_width(line) <= width else _truncate(line, width - _character_width(ELLIPSIS)) + ELLIPSIS


def text_width(text: str, *, size: float) -> float:
    """Return the width of a line of text in inches, at a font size in points."""
    return _relative_width(text) * size / _POINTS_PER_INCH


def format_count(value: int) -> str:
    """Return a count with thousands separators."""
    return f"{value:,}"


def format_value(value: float) -> str:
    """Return a measured value with four significant digits, or all integer digits from 1,000 on."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e12:
        text = f"{value:.4g}"
    else:
        text = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    return text.replace("-", MINUS)


def format_short(value: float) -> str:
    """Return a value as the label of a tick that has little room: 10K, 2.5M."""
    size = abs(value)
    if not 1e4 <= size < 1e15:
        return format_value(value)
    unit, letter = next(pair for pair in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")) if pair[0] <= size)
    return f"{value / unit:.4g}{letter}".replace("-", MINUS)


def format_percentage(part: int, whole: int) -> str:
    """Return a percentage that never rounds a small share to 0 % or a large one to 100 %."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.1f} %" if percent % 100 else f"{percent:.0f} %"


def common_exponent(values: Iterable[float]) -> int:
    """Return the power of ten to factor out of very large or small values; 0 for others."""
    size = max((abs(value) for value in values), default=0.0)
    return 0 if size == 0 or 1e-4 <= size < 1e12 else math.floor(math.log10(size))


def scale_values(values: Iterable[float], exponent: int) -> list[float]:
    """Return the values divided by a power of ten, even if the power is no finite float."""
    return [float(Decimal(value).scaleb(-exponent)) if exponent else value for value in values]


def format_exponent(exponent: int) -> str:
    """Return the label of an axis with scaled values; empty for exponent 0."""
    return f"× 1e{exponent}".replace("-", MINUS) if exponent else ""


class TickFormatter(Formatter):
    """A tick formatter with thousands separators and as many decimals as the ticks need."""

    def __init__(self, *, may_be_years: bool = False) -> None:
        """`may_be_years` is True for whole numbers, which are written as years where all of them look so."""
        self._may_be_years = may_be_years

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a single tick."""
        return format_value(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks of an axis."""
        decimals = _decimals(values)
        if self._may_be_years and not decimals and all(_FIRST_YEAR <= value <= _LAST_YEAR for value in values):
            return [f"{value:.0f}" for value in values]
        labels = [f"{value:.10g}" if decimals > MAX_DECIMALS else f"{value + 0.0:,.{decimals}f}" for value in values]
        return [label.replace("-", MINUS) for label in labels]


def tick_locator(low: float, high: float, *, whole: bool = False) -> MaxNLocator:
    """Return a locator with as many ticks on a horizontal axis as their labels have space for.

    Args:
        low: Lower limit of the axis.
        high: Upper limit of the axis.
        whole: True to place ticks only at whole numbers.
    """
    decimals = min(max(0, 1 - math.floor(math.log10((high - low) / 8))), MAX_DECIMALS)
    length = len(f"{max(abs(low), abs(high)):,.{decimals}f}")
    return MaxNLocator(nbins=max(2, min(8, 84 // (length + 4))), integer=whole)


def _decimals(tick_values: Sequence[float]) -> int:
    """Return the number of decimals of the smallest step between ticks."""
    step = min((abs(right - left) for left, right in pairwise(tick_values)), default=0.0)
    for decimals in range(MAX_DECIMALS + 1):
        size = step * 10**decimals
        if abs(size - round(size)) <= 1e-6 * size:
            return decimals
    return MAX_DECIMALS + 1


def _remove_invisible(text: str) -> str:
    kept = (" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return "".join(c for c in kept if unicodedata.category(c) not in _INVISIBLE)


def _relative_width(text: str) -> float:
    return sum(_character_width(character) for character in text)


def _truncate(text: str, width: float) -> str:
    used = 0.0
    for index, character in enumerate(text):
        used += _character_width(character)
        if used > width:
            return text[:index].rstrip()
    return text


@cache
def _character_width(character: str) -> float:
    """Return the width of a character in multiples of the font size; 1 if all fonts lack it."""
    font = font_of(character)
    if font is None:
        return 1.0
    return font.load_char(ord(character), LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
