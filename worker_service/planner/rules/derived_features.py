"""Proposes new columns: parts of dates, ratios of columns that go together, groups of skewed values."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import number, quoted
from worker_service.core.recipe.steps import Bin, DateParts, Ratio
from worker_service.core.recipe.steps.date_parts import DatePart
from worker_service.core.stats.correlation import Correlation
from worker_service.planner.rules.column_names import Names

_WEEK, _YEAR = 7, 365
MOST_RATIOS = 3
MOST_BINS = 5
RELATED = 0.8
SAME = 0.999
"""Columns that go together more closely than this differ by a factor only."""
HEAVY_SKEW = 2.0


def propose_date_parts(columns: Sequence[ColumnProfile], names: Names) -> Iterator[DateParts]:
    """Replace each column of dates by the parts that vary in it."""
    for column in columns:
        timestamps = column.timestamps
        if column.type != "timestamp" or timestamps is None or timestamps.first is None or timestamps.last is None:
            continue
        parts = tuple(_varying(timestamps.first, timestamps.last, has_time=timestamps.has_time))
        why = f"{_span(timestamps.first, timestamps.last)}; a model can use the moment and the cycles it runs through."
        yield DateParts(
            kind="date_parts",
            column=column.name,
            parts=parts,
            names=tuple(names.claim(column.name, part) for part in parts),
            fill=timestamps.median if column.missing else None,
            why=f"{why} The date in the middle stands for a missing one." if column.missing else why,
            confidence=0.8,
            rule="date_parts",
        )


def _span(first: datetime, last: datetime) -> str:
    if first.date() == last.date():
        return f"All of it is on {first:%Y-%m-%d}"
    return f"The dates run from {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _varying(first: datetime, last: datetime, *, has_time: bool) -> Iterator[DatePart]:
    """The moment itself, and every cycle that is run through at least once."""
    span = last - first
    if span:
        yield "days"
    if span >= timedelta(days=_YEAR):
        yield from ("month_sin", "month_cos")
    if span >= timedelta(days=_WEEK):
        yield from ("weekday_sin", "weekday_cos")
    if (has_time and span >= timedelta(days=1)) or not span:
        yield from ("hour_sin", "hour_cos")


def propose_ratios(columns: Sequence[ColumnProfile], found: Correlation | None, names: Names) -> Iterator[Ratio]:
    """Divide positive columns that go together: what differs between them is in their ratio."""
    if found is None:
        return
    places = {name: place for place, name in enumerate(found.columns)}
    positive = [column for column in columns if column.name in places and _positive(column)]
    pairs = []
    for left, right in combinations(positive, 2):
        strength = found.matrix[places[left.name]][places[right.name]]
        if strength is not None and RELATED <= abs(strength) < SAME:
            pairs.append((strength, left.name, right.name))
    for strength, left_name, right_name in sorted(pairs, key=lambda pair: -abs(pair[0]))[:MOST_RATIOS]:
        yield Ratio(
            kind="ratio",
            numerator=left_name,
            denominator=right_name,
            name=names.claim(left_name, "per", right_name),
            why=f"Both are positive and go together closely (r = {number(strength)}); their ratio tells rows apart.",
            confidence=0.5,
            rule="ratio_of_related",
        )


def _positive(column: ColumnProfile) -> bool:
    numbers = column.numbers
    return numbers is not None and numbers.minimum is not None and numbers.minimum > 0


def propose_bins(columns: Sequence[ColumnProfile], names: Names) -> Iterator[Bin]:
    """Group the most skewed columns at their quartiles, so that a few huge values don't drown the others."""
    skewed = sorted((column for column in columns if _skew(column) > HEAVY_SKEW), key=lambda column: -_skew(column))
    with_edges = ((column, _edges(column)) for column in skewed)
    for column, edges in [pair for pair in with_edges if pair[1]][:MOST_BINS]:
        numbers = column.numbers
        skew = numbers.skew if numbers is not None and numbers.skew is not None else 0.0
        yield Bin(
            kind="bin",
            column=column.name,
            edges=edges,
            name=names.claim(column.name, "bin"),
            why=f"{quoted(column.name)} is heavily skewed (skew {number(round(skew, 2))}); "
            "its quartiles divide it evenly.",
            confidence=0.5,
            rule="bin_skewed",
        )


def _skew(column: ColumnProfile) -> float:
    if column.type not in ("integer", "decimal") or column.numbers is None:
        return 0.0
    return abs(column.numbers.skew or 0.0)


def _edges(column: ColumnProfile) -> tuple[float, ...]:
    """The quartiles that really divide: above the minimum, each once."""
    numbers = column.numbers
    if numbers is None or numbers.q1 is None or numbers.median is None or numbers.q3 is None:
        return ()
    least = numbers.minimum if numbers.minimum is not None else numbers.q1
    return tuple(sorted({edge for edge in (numbers.q1, numbers.median, numbers.q3) if edge > least}))
