"""An axis of numbers or of times: its unit, its ticks and their labels."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from matplotlib.axis import Axis, YAxis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from report_service.charts.text_layout import (
    TickFormatter,
    common_exponent,
    format_exponent,
    format_short,
    scale_values,
    tick_locator,
)

SECONDS_PER_DAY = 86_400
_CALENDAR_DAYS = (-719_000, 2_932_000)
"""Range of days since 1970 that matplotlib can format: the years 1 to 9997."""
_EPOCH = datetime(1970, 1, 1)
_DAYS_PER_YEAR = 365.2425
_YEAR = "year"
_MOST_POWERS = 9
"""Ticks on a logarithmic axis."""
_VERTICAL_TICKS = 6


def set_number_axis(axis: Axis, values: Sequence[float], *, whole: bool, label: str = "") -> Sequence[float]:
    """Set up an axis for numbers and return the values in its unit."""
    exponent = common_exponent(values)
    scaled = scale_values(values, exponent)
    whole_ticks = whole and not exponent
    is_vertical = isinstance(axis, YAxis)
    low, high = widen(min(scaled), max(scaled))
    locator = MaxNLocator(nbins=_VERTICAL_TICKS, integer=whole_ticks)
    axis.set_major_locator(locator if is_vertical else tick_locator(low, high, whole=whole_ticks))
    axis.set_major_formatter(TickFormatter(may_be_years=(whole or label == _YEAR) and not exponent))
    axis.set_label_text(" ".join(filter(None, (label, format_exponent(exponent)))))
    return scaled


def widen(low: float, high: float) -> tuple[float, float]:
    """Return two limits as they are, or limits around them if they are the same."""
    if low < high:
        return low, high
    margin = max(0.5, abs(low) * 1e-6)
    return low - margin, high + margin


def set_time_axis(axis: Axis, seconds: Sequence[float], *, label: str = "") -> Sequence[float]:
    """Set up an axis for seconds since 1970 and return them in its unit."""
    days = [value / SECONDS_PER_DAY for value in seconds]
    if min(days) < _CALENDAR_DAYS[0] or max(days) > _CALENDAR_DAYS[1]:
        years = [1970 + day / _DAYS_PER_YEAR for day in days]
        return set_number_axis(axis, years, whole=False, label=" ".join(filter(None, (label, _YEAR))))
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axis.set_major_locator(locator)
    axis.set_major_formatter(DateFormatterWithYear(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axis.set_label_text(label)
    return days


def set_log_ticks(axis: Axis, low: float, high: float, *, linear_within: float | None = None) -> None:
    """Set ticks at as many powers of ten as there is room for; `linear_within` is that of a symlog axis."""
    axis.set_major_locator(FixedLocator(_power_ticks(low, high, linear_within)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_short(value)))


def _power_ticks(low: float, high: float, linear_within: float | None) -> list[float]:
    """Return powers of ten, on both sides of zero where the axis has these, and zero between them."""
    smallest = linear_within or low
    above = _powers(smallest, high)
    if linear_within is None:
        return above[:: max(1, -(-len(above) // _MOST_POWERS))]
    below = _powers(smallest, -low) if low < -smallest else []
    every = max(1, -(-(len(below) + 1 + len(above)) // _MOST_POWERS))
    # Counted from zero on, so that zero is among them.
    return [*(-power for power in reversed(below[every - 1 :: every])), 0.0, *above[every - 1 :: every]]


def _powers(smallest: float, largest: float) -> list[float]:
    first, last = math.ceil(math.log10(smallest) - 1e-9), math.floor(math.log10(largest) + 1e-9)
    return [10.0**exponent for exponent in range(first, last + 1)]


class DateFormatterWithYear(ConciseDateFormatter):
    """A formatter of short dates that adds the year if no other label of the axis names it."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks of an axis."""
        labels: list[str] = super().format_ticks(values)  # type: ignore[no-untyped-call]
        offset: str = self.get_offset()  # type: ignore[no-untyped-call]
        if labels and not offset and not re.search(r"\d{4}", labels[0]):
            labels[0] = f"{labels[0]}\n{(_EPOCH + timedelta(days=float(values[0]))).year}"
        return labels
