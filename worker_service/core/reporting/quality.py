"""The quality of a table as it was uploaded: a score of named parts, and the alerts that explain it."""

from typing import Literal

from worker_service.core.humanize import fraction, plural_verb
from worker_service.core.profile import Profile
from worker_service.core.reporting.alerts import Alert, find_alerts
from worker_service.core.stats.summary import Value

PartName = Literal["completeness", "uniqueness", "validity", "consistency", "plausibility", "clarity"]


class QualityPart(Value):
    """A part of the quality: the share of cells, rows or columns without a fault of one kind."""

    name: PartName
    score: float
    """The share of `total` without a fault, 0 to 100, rounded down to one decimal; 100 only if there is no fault."""
    faults: int
    """The number of cells, rows or columns with a fault."""
    total: int
    """The number of cells, rows or columns examined; the sentence names which."""
    why: str
    """How the faults were counted, as a sentence with the numbers."""


class Quality(Value):
    """The score of a table before it is prepared."""

    score: float
    """The harmonic mean of the parts, 0 to 100, so that a weak part is not outweighed by good ones."""
    parts: tuple[QualityPart, ...]


class Assessment(Value):
    """The alerts and the quality of a table."""

    alerts: tuple[Alert, ...]
    quality: Quality


def assess(profile: Profile) -> Assessment:
    """Return the alerts and the quality of the table that a profile describes."""
    return Assessment(alerts=find_alerts(profile), quality=grade(profile))


def grade(profile: Profile) -> Quality:
    """Return the quality of the uploaded table, from the counts of its profile alone."""
    parts = (
        _completeness(profile),
        _uniqueness(profile),
        _validity(profile),
        _consistency(profile),
        _plausibility(profile),
        _clarity(profile),
    )
    return Quality(score=_harmonic_mean(parts), parts=parts)


def _completeness(profile: Profile) -> QualityPart:
    cells = profile.rows * len(profile.columns)
    gaps = sum(max(0, column.missing - column.invalid) for column in profile.columns)
    hidden = sum(sentinel.count for column in profile.columns for sentinel in column.sentinels)
    what = f"{fraction(gaps, cells, 'cell')} {plural_verb(gaps, 'has', 'have')} no value"
    what += f", {hidden:,} of them behind a number that stands for missing." if hidden else "."
    return _part("completeness", gaps, cells, what)


def _uniqueness(profile: Profile) -> QualityPart:
    repeats = profile.duplicates.count
    what = f"{fraction(repeats, profile.rows, 'row')} {plural_verb(repeats, 'repeats', 'repeat')} an earlier one."
    return _part("uniqueness", repeats, profile.rows, what)


def _validity(profile: Profile) -> QualityPart:
    invalid = sum(column.invalid for column in profile.columns)
    filled = sum(profile.rows - column.missing + column.invalid for column in profile.columns)
    verb = plural_verb(invalid, "does", "do")
    what = f"{fraction(invalid, filled, 'filled cell')} {verb} not fit the type of the column."
    return _part("validity", invalid, filled, what)


def _consistency(profile: Profile) -> QualityPart:
    categories = [column for column in profile.columns if column.type == "category"]
    cells = sum(profile.rows - column.missing for column in categories)
    variants = sum(spelling.count for column in categories for spelling in column.spellings)
    verb = plural_verb(variants, "is", "are")
    what = f"{fraction(variants, cells, 'known cell')} of categories {verb} spelled in another way than usual."
    return _part("consistency", variants, cells, what if cells else "There are no categories to compare spellings in.")


def _plausibility(profile: Profile) -> QualityPart:
    measured = [
        (column, column.outlying(profile.rows))
        for column in profile.columns
        if column.numbers is not None and column.is_quantity
    ]
    cells = sum(profile.rows - column.missing for column, _ in measured)
    restored = sum(shift.count for column, _ in measured for shift in column.decimal_shifts)
    shifted = restored + sum(shift.count for column, _ in measured for shift in column.possible_shifts)
    outside = restored + sum(amount for _, amount in measured)
    verb = plural_verb(outside, "lies", "lie")
    what = f"{fraction(outside, cells, 'known number')} {verb} outside of the usual range of the column"
    what += f", {shifted:,} of them with a slipped decimal point." if shifted else "."
    return _part("plausibility", outside, cells, what if cells else "There are no numbers to measure.")


def _clarity(profile: Profile) -> QualityPart:
    doubtful = sum(column.ambiguity is not None for column in profile.columns)
    what = f"{fraction(doubtful, len(profile.columns), 'column')} can be read in more than one way."
    return _part("clarity", doubtful, len(profile.columns), what)


def _part(name: PartName, faults: int, total: int, why: str) -> QualityPart:
    share = 1.0 if not total else max(0.0, 1 - faults / total)
    return QualityPart(name=name, score=_round_down(100 * share), faults=faults, total=total, why=why)


def _harmonic_mean(parts: tuple[QualityPart, ...]) -> float:
    if any(part.score <= 0 for part in parts):
        return 0.0
    return _round_down(len(parts) / sum(1 / part.score for part in parts))


def _round_down(score: float) -> float:
    """Round down to one decimal, so that 100 means that there is no fault."""
    # The small summand undoes floating-point errors, such as 98.99999999999999 for 99.
    return int(score * 10 + 1e-9) / 10
