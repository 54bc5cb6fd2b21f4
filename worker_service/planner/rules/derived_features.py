"""Rules for derived columns: dates, amounts with units, ratios of correlated columns, bins of skewed values."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import number, quoted
from worker_service.core.parsing.units import unit_name
from worker_service.core.recipe.steps import Bin, Cycle, DateParts, OneHot, Ratio, SplitAmounts, TimeDifference
from worker_service.core.recipe.steps.date_parts import DatePart
from worker_service.core.stats.correlation import Correlation
from worker_service.planner.rules.column_names import Names

_WEEK_DAYS, _YEAR_DAYS = 7, 365
MAX_RATIOS = 3
MAX_BINS = 5
MAX_MOMENTS = 3
MIN_RATIO_CORRELATION = 0.8
MAX_RATIO_CORRELATION = 0.999
"""Columns with a stronger correlation differ by little more than a factor."""
HEAVY_SKEW = 2.0
LEAST_OF_CYCLE = 0.75
"""A column runs through a cycle if it has at least this share of its numbers."""


def propose_date_parts(columns: Sequence[ColumnProfile], names: Names) -> Iterator[DateParts]:
    """Propose to replace each column of dates by the parts that vary in it."""
    for column in columns:
        timestamps = column.timestamps
        if column.type != "timestamp" or timestamps is None or timestamps.first is None or timestamps.last is None:
            continue
        parts = tuple(_varying_parts(timestamps.first, timestamps.last, has_time=timestamps.has_time))
        why = f"{_span(timestamps.first, timestamps.last)}; a model can use the moment and the cycles it runs through."
        yield DateParts(
            kind="date_parts",
            column=column.name,
            parts=parts,
            names=tuple(names.claim(column.name, part) for part in parts),
            fill=timestamps.median if column.missing else None,
            why=why,
            confidence=0.8,
            rule="date_parts",
        )


def propose_time_differences(columns: Sequence[ColumnProfile], names: Names) -> Iterator[TimeDifference]:
    """Propose the time between any two columns of moments, of the first few of them."""
    moments = [column.name for column in columns if column.type == "timestamp"][:MAX_MOMENTS]
    for start, end in combinations(moments, 2):
        yield TimeDifference(
            kind="time_difference",
            start=start,
            end=end,
            name=names.claim(start, "to", end, "days"),
            why="How much time passed says more than either moment.",
            confidence=0.7,
            rule="time_difference",
        )


def propose_cycles(columns: Sequence[ColumnProfile], names: Names) -> Iterator[Cycle]:
    """Propose the position of each column of whole numbers in the cycle that its name and its values tell."""
    for column in columns:
        known = column.known_range
        if column.storage != "integer" or known is None or known.cycle is None or known.outside:
            continue
        if LEAST_OF_CYCLE * known.cycle <= column.distinct:
            yield Cycle(
                kind="cycle",
                column=column.name,
                period=known.cycle,
                sine=names.claim(column.name, "sin"),
                cosine=names.claim(column.name, "cos"),
                why=f"It seems to be {known.quantity}, of which the last is next to the first.",
                confidence=0.8,
                rule="cycle",
            )


def propose_amounts(columns: Sequence[ColumnProfile], names: Names) -> Iterator[SplitAmounts | OneHot]:
    """Propose to replace amounts in units that can't be converted by their numbers and an indicator for each unit."""
    for column in columns:
        if column.amounts is None:
            continue
        units = tuple(sorted({unit_name(spelling) for spelling in column.amounts.units}))
        split = SplitAmounts(
            kind="split_amounts",
            column=column.name,
            read_as=column.amounts,
            amount=names.claim(column.name, "amount"),
            unit=names.claim(column.name, "unit"),
            why="No known factor makes its units one, so a model gets the number and the unit.",
            confidence=0.8,
            rule="split_amounts",
        )
        yield split
        yield OneHot(
            kind="one_hot",
            column=split.unit,
            levels=units,
            names=tuple(names.claim(split.unit, unit) for unit in units),
            why="A column for each unit invents no order between them; a number without a unit has 0 in all of them.",
            confidence=0.9,
            rule="encode_units",
        )


def _span(first: datetime, last: datetime) -> str:
    if first.date() == last.date():
        return f"All of it is on {first:%Y-%m-%d}"
    return f"The dates run from {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _varying_parts(first: datetime, last: datetime, *, has_time: bool) -> Iterator[DatePart]:
    """Yield the days, if they differ, and every cycle that the dates run through at least once."""
    span = last - first
    if span:
        yield "days"
    if span >= timedelta(days=_YEAR_DAYS):
        yield from ("month_sin", "month_cos")
    if span >= timedelta(days=_WEEK_DAYS):
        yield from ("weekday_sin", "weekday_cos")
    if (has_time and span >= timedelta(days=1)) or not span:
        yield from ("hour_sin", "hour_cos")


def propose_ratios(columns: Sequence[ColumnProfile], correlation: Correlation | None, names: Names) -> Iterator[Ratio]:
    """Propose ratios of correlated positive columns, which hold the difference between them."""
    if correlation is None:
        return
    indices = {name: index for index, name in enumerate(correlation.columns)}
    positive = [column for column in columns if column.name in indices and _is_positive(column)]
    pairs = []
    for left, right in combinations(positive, 2):
        strength = correlation.matrix[indices[left.name]][indices[right.name]]
        if strength is None or not correlation.is_significant(strength):
            continue
        if MIN_RATIO_CORRELATION <= abs(strength) < MAX_RATIO_CORRELATION:
            pairs.append((strength, left.name, right.name))
    for strength, left_name, right_name in sorted(pairs, key=lambda pair: -abs(pair[0]))[:MAX_RATIOS]:
        yield Ratio(
            kind="ratio",
            numerator=left_name,
            denominator=right_name,
            name=names.claim(left_name, "per", right_name),
            why=f"Both are positive and go together closely (r = {number(strength)}); their ratio tells rows apart.",
            confidence=0.5,
            rule="ratio_of_related",
        )


def _is_positive(column: ColumnProfile) -> bool:
    numbers = column.numbers
    return numbers is not None and numbers.minimum is not None and numbers.minimum > 0


def propose_bins(columns: Sequence[ColumnProfile], names: Names) -> Iterator[Bin]:
    """Propose to bin the most skewed columns at their quartiles, so that a few huge values don't dominate."""
    skewed = sorted((column for column in columns if _skew(column) > HEAVY_SKEW), key=lambda column: -_skew(column))
    with_edges = ((column, _edges(column)) for column in skewed)
    for column, edges in [pair for pair in with_edges if pair[1]][:MAX_BINS]:
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
    """Return the distinct quartiles above the minimum, which are the edges of bins that are not empty."""
    numbers = column.numbers
    if numbers is None or numbers.q1 is None or numbers.median is None or numbers.q3 is None:
        return ()
    minimum = numbers.minimum if numbers.minimum is not None else numbers.q1
    return tuple(sorted({edge for edge in (numbers.q1, numbers.median, numbers.q3) if edge > minimum}))
