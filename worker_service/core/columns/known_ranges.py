"""Ranges that the name of a column of numbers promises, such as 0 to 24 for an hour, and the cells outside of them."""

from dataclasses import dataclass

import numpy as np

from worker_service.core.columns.name_hints import name_words
from worker_service.core.stats.summary import run_lengths
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

FEWEST_CELLS = 20
LEAST_INSIDE = 0.99
"""The name is believed if at least this share of the cells lies in its range: an age can be in days, or of a house."""
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class _Range:
    """The range of a quantity, and the number after which it begins again."""

    quantity: str
    low: float
    high: float
    cycle: int | None = None


_RANGES = {
    "hour stunde heure hora ora uur timme": _Range("the hour of a day", 0, 24, 24),
    "minute": _Range("the minute of an hour", 0, 60, 60),
    "month mon mth monat mois mes mese maand månad": _Range("the month of a year", 1, 12, 12),
    "weekday dow wday dayofweek wochentag": _Range("the day of a week", 0, 7, 7),
    "quarter qtr quartal trimestre": _Range("the quarter of a year", 1, 4, 4),
    "age alter âge edad età idade leeftijd ålder": _Range("an age in years", 0, 120),
    "lat latitude breitengrad latitud latitudine": _Range("a latitude", -90, 90),
    "lon lng longitude längengrad longitud longitudine": _Range("a longitude", -180, 360),
}
_BY_WORD = {word: known for words, known in _RANGES.items() for word in words.split()}


class KnownRange(Value):
    """What the name of a column promises of its numbers, and how many break it."""

    quantity: str
    """What the numbers are, such as `an age in years`."""
    low: float
    high: float
    cycle: int | None
    """The number after which the quantity begins again; None for one that does not."""
    outside: int
    """The cells whose number lies outside of the range."""
    examples: tuple[float, ...]
    """The most frequent numbers outside."""


def find_known_range(name: str, typed: Column) -> KnownRange | None:
    """Return the range of a column that its name promises; None if there is none, or its numbers tell otherwise."""
    words = name_words(name)
    known = _BY_WORD.get(words[-1]) if words else None
    if known is None or not typed.is_number or typed.known < FEWEST_CELLS:
        return None
    runs = typed.derive(run_lengths)
    values = runs.values.astype(np.float64)
    outside = np.flatnonzero((values < known.low) | (values > known.high))
    cells = int(runs.counts[outside].sum())
    if cells > (1 - LEAST_INSIDE) * typed.known:
        return None
    frequent = outside[np.argsort(-runs.counts[outside], kind="stable")][:MOST_EXAMPLES]
    return KnownRange(
        quantity=known.quantity,
        low=known.low,
        high=known.high,
        cycle=known.cycle,
        outside=cells,
        examples=tuple(values[frequent].tolist()),
    )
