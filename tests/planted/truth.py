"""True values of cells, and their comparison with other notations."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

TRUE_WORDS = frozenset({"true", "yes", "y", "1", "t", "on"})
FALSE_WORDS = frozenset({"false", "no", "n", "0", "f", "off"})
FLAG: Literal["flag"] = "flag"
"""Expected if the value can't be known, but should be flagged."""


class Percent(float):
    """A percentage, for which 45.6 and 0.456 are equivalent."""


@dataclass(frozen=True)
class Unknown:
    """A value that can't be known: the repaired cell is missing or within these limits."""

    low: float
    high: float


Value = str | int | float | bool | datetime | None
Expected = Value | Unknown
"""The value of a repaired cell, or FLAG."""


def is_right(value: object, expected: Expected) -> bool:
    """Return True if a cell holds the expected value in a type that fits."""
    if isinstance(expected, Unknown):
        return value is None or (_is_number(value) and expected.low <= float(str(value)) <= expected.high)
    if expected is None or isinstance(expected, bool | str):
        return type(value) is type(expected) and value == expected
    if isinstance(expected, datetime):
        return isinstance(value, date) and _as_utc(value) == expected
    return _is_number(value) and _same_number(float(str(value)), expected)


def is_equivalent(value: object, truth: Value, written: str | None) -> bool:
    """Return True if a cell holds the true value in any type and notation; `written` is the text in the file."""
    if value is None or truth is None:
        return value is None and truth is None
    if str(value) == written or is_right(value, truth):
        return True
    text = str(value).strip().casefold()
    if isinstance(truth, bool):
        return text in (TRUE_WORDS if truth else FALSE_WORDS)
    if isinstance(truth, datetime):
        return _parse_timestamp(text) == truth
    if isinstance(truth, str):
        return text == truth.casefold()
    return isinstance(value, str) and _same_number(_parse_number(text), truth)


def as_boolean(value: object) -> object:
    """Return the boolean that a word means, or any other value unchanged."""
    text = str(value).strip().casefold()
    if text in TRUE_WORDS:
        return True
    return False if text in FALSE_WORDS else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_number(value: float, truth: float) -> bool:
    scales = (1.0, 0.01) if isinstance(truth, Percent) else (1.0,)
    return any(math.isclose(value, truth * scale, rel_tol=1e-9, abs_tol=1e-12) for scale in scales)


def _parse_number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return math.nan


def _parse_timestamp(text: str) -> datetime | None:
    try:
        return _as_utc(datetime.fromisoformat(text.upper()))
    except ValueError:
        return None


def _as_utc(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
