"""The quality of a table as it was uploaded: a score of named parts, and the alerts that explain it."""

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import fraction, plural_verb
from worker_service.core.profile import Profile
from worker_service.core.reporting.alerts import Alert, find_alerts
from worker_service.core.value import Value

PartName = Literal["completeness", "uniqueness", "validity", "consistency", "plausibility", "clarity"]
_WEIGHTS: Mapping[PartName, float] = MappingProxyType(
    {
        "completeness": 1.5,
        "uniqueness": 1.0,
        "validity": 2.0,
        "consistency": 1.5,
        "plausibility": 1.5,
        "clarity": 1.0,
    }
)
"""The exponents of the parts. A fault that spoils every analysis of its column weighs more than a repeated row."""
_WEIGHT_WITHOUT_KEY = 0.3
"""Without a key, equal rows may be equal events, and weigh less."""
_MAX_COPIES = 0.3
"""Where a larger share of the rows repeats without a key, the rows are observations that often agree."""
_NATURAL_REPEATS = 3
"""So many times the repeats that chance makes are no fault."""
_UNCLEAR_HEADER_SHARE = 0.5
"""From this share of names that are values on, the header is wrong, and half of the columns count as unclear."""


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
    """The weighted product of the parts, 0 to 100: every part lowers it, and none is outweighed by the others."""
    parts: tuple[QualityPart, ...]


class Assessment(Value):
    """The alerts and the quality of a table."""

    alerts: tuple[Alert, ...]
    quality: Quality


def assess(profile: Profile, *, unread: Collection[str] = ()) -> Assessment:
    """Return the alerts and the quality of the table that a profile describes.

    Args:
        profile: the profile.
        unread: the columns that stay as uploaded although they can be read as another type.
    """
    return Assessment(alerts=find_alerts(profile, unread=unread), quality=grade(profile))


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
    return Quality(score=_weighted_product(parts, has_key=_has_key(profile)), parts=parts)


def _completeness(profile: Profile) -> QualityPart:
    cells = profile.rows * len(profile.columns)
    gaps = sum(max(0, column.missing - column.invalid) for column in profile.columns)
    hidden = sum(sentinel.count for column in profile.columns for sentinel in column.sentinels)
    what = f"{fraction(gaps, cells, 'cell')} {plural_verb(gaps, 'has', 'have')} no value"
    what += f", {hidden:,} of them behind a number that stands for missing." if hidden else "."
    return _part("completeness", gaps, cells, what)


def _uniqueness(profile: Profile) -> QualityPart:
    repeats = profile.duplicates.count
    by_chance = _NATURAL_REPEATS * _repeats_by_chance(profile)
    is_natural = repeats <= by_chance or repeats > _MAX_COPIES * profile.rows
    if not _has_key(profile) and is_natural:
        what = "Equal rows are to be expected with so few different values."
        return _part("uniqueness", 0, profile.rows, what if repeats else "No row repeats an earlier one.")
    what = f"{fraction(repeats, profile.rows, 'row')} {plural_verb(repeats, 'repeats', 'repeat')} an earlier one."
    return _part("uniqueness", repeats, profile.rows, what)


def _has_key(profile: Profile) -> bool:
    """Return True if a column is different in all rows that do not repeat an earlier one."""
    different = profile.rows - profile.duplicates.count
    if 2 * different < profile.rows:
        return False
    return profile.duplicates.key is not None or any(
        column.distinct == different and column.storage != "decimal" for column in profile.columns
    )


def _repeats_by_chance(profile: Profile) -> float:
    """Return how many rows would repeat an earlier one if the columns were independent."""
    combinations = math.exp(min(700.0, sum(math.log(_effective_values(column)) for column in profile.columns)))
    return profile.rows - combinations * -math.expm1(-profile.rows / combinations)


def _effective_values(column: ColumnProfile) -> float:
    """Return the number of equally frequent values that would repeat as often as the values of a column do."""
    if column.type not in ("category", "boolean") or not column.top_values:
        return max(1, column.distinct)
    counts = [value.count for value in column.top_values]
    return sum(counts) ** 2 / sum(count**2 for count in counts)


def _validity(profile: Profile) -> QualityPart:
    invalid = sum(column.invalid + column.faults.mixed for column in profile.columns)
    filled = sum(profile.rows - column.missing + column.invalid for column in profile.columns)
    verb = plural_verb(invalid, "does", "do")
    what = f"{fraction(invalid, filled, 'filled cell')} {verb} not fit the other cells of the column."
    return _part("validity", invalid, filled, what)


def _consistency(profile: Profile) -> QualityPart:
    categories = [column for column in profile.columns if column.type == "category"]
    cells = sum(profile.rows - column.missing for column in categories)
    variants = sum(spelling.count for column in categories for spelling in column.spellings)
    verb = plural_verb(variants, "is", "are")
    what = f"{fraction(variants, cells, 'known cell')} of categories {verb} spelled in another way than usual."
    return _part("consistency", variants, cells, what if cells else "There are no categories to compare spellings in.")


def _plausibility(profile: Profile) -> QualityPart:
    measured = [column for column in profile.columns if column.numbers is not None and column.is_quantity]
    cells = sum(profile.rows - column.missing for column in measured)
    restored = sum(shift.count for column in measured for shift in column.decimal_shifts)
    shifted = restored + sum(shift.count for column in measured for shift in column.possible_shifts)
    shifts = {column.name: sum(shift.count for shift in column.possible_shifts) for column in measured}
    outside = restored + sum(max(shifts[column.name], column.faults.far) for column in measured)
    verb = plural_verb(outside, "lies", "lie")
    what = f"{fraction(outside, cells, 'known number')} {verb} far outside of the range of the others"
    what += f", {shifted:,} of them with a slipped decimal point." if shifted else "."
    return _part("plausibility", outside, cells, what if cells else "There are no numbers to measure.")


def _clarity(profile: Profile) -> QualityPart:
    size = len(profile.columns)
    doubtful = sum(column.ambiguity is not None for column in profile.columns)
    named = sum(column.faults.is_named_by_value for column in profile.columns)
    what = f"{fraction(doubtful, size, 'column')} can be read in more than one way."
    if size > 1 and named >= _UNCLEAR_HEADER_SHARE * size:
        doubtful = max(doubtful, math.ceil(size / 2))
        what += f" The header may be wrong: {fraction(named, size, 'name')} could be values of their columns."
    return _part("clarity", doubtful, size, what)


def _part(name: PartName, faults: int, total: int, why: str) -> QualityPart:
    share = 1.0 if not total else max(0.0, 1 - faults / total)
    return QualityPart(name=name, score=_round_down(100 * share), faults=faults, total=total, why=why)


def _weighted_product(parts: tuple[QualityPart, ...], *, has_key: bool) -> float:
    weights = dict(_WEIGHTS) if has_key else {**_WEIGHTS, "uniqueness": _WEIGHT_WITHOUT_KEY}
    shares = {part.name: 1 - min(part.faults, part.total) / max(1, part.total) for part in parts}
    return _round_down(100 * math.prod(share ** weights[name] for name, share in shares.items()))


def _round_down(score: float) -> float:
    """Round down to one decimal, so that 100 means that there is no fault."""
    # The small summand undoes floating-point errors, such as 98.99999999999999 for 99.
    return int(score * 10 + 1e-9) / 10
