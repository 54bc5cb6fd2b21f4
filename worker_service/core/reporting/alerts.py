"""Alerts about a table for the people who use it, each as a sentence with its numbers."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.personal_data import NOUNS
from worker_service.core.humanize import count, examples, fraction, listing, number, percent, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.relations.leakage import Leak
from worker_service.core.relations.missingness import Missingness
from worker_service.core.value import Value

AlertKind = Literal[
    "missing_values",
    "empty_column",
    "telling_missingness",
    "sentinel",
    "possible_code",
    "slips",
    "unfit_cells",
    "ambiguous_format",
    "spelling_variants",
    "duplicate_rows",
    "duplicate_column",
    "constant",
    "identifier",
    "high_cardinality",
    "outliers",
    "skewed",
    "zero_inflated",
    "highly_correlated",
    "leakage",
    "imbalanced_target",
    "no_target",
    "few_rows",
    "personal_data",
]
Severity = Literal["info", "warning", "error"]

MANY_MISSING = 0.05
"""From this share on, missing values are a warning;"""
MOSTLY_MISSING = 0.5
"""from this share on, they are an error."""
MANY_OUTLIERS = 0.05
MANY_LEVELS = 50
STRONG_SKEW = 2.0
"""The absolute skewness from which on a mean misleads; an exponential distribution has 2."""
MANY_ZEROS = 0.5
HIGH_CORRELATION = 0.95
"""From this absolute correlation on, two columns are redundant."""
IMBALANCE = 0.9
FEW_ROWS = 30
_WEIGHTS: Mapping[AlertKind, float] = MappingProxyType(
    {
        "leakage": 50.0,
        "imbalanced_target": 5.0,
        "slips": 20.0,
        "sentinel": 20.0,
        "possible_code": 10.0,
        "unfit_cells": 5.0,
        "spelling_variants": 5.0,
        "telling_missingness": 0.5,
        "no_target": 0.5,
        "skewed": 0.3,
        "zero_inflated": 0.2,
        "high_cardinality": 0.2,
        "highly_correlated": 0.1,
        "personal_data": 0.1,
        "constant": 0.05,
        "identifier": 0.05,
    }
)
"""What a cell, or a column without a number of cells, costs: a wrong value misleads, a missing one is only missing.

A leak spoils a model, and what a constant or an identifier costs is only a look.
"""
_SEVERITY: Mapping[Severity, float] = MappingProxyType({"error": 2.0, "warning": 1.0, "info": 0.1})
_MOST_EXAMPLES = 3
_READ_AS = {
    "integer": "whole numbers",
    "decimal": "numbers",
    "boolean": "true or false",
    "timestamp": "dates",
    "text": "text",
}


class Alert(Value):
    """A fact about a table or a column that its users should know."""

    kind: AlertKind
    column: str | None
    """None for the whole table."""
    severity: Severity
    """`info`: good to know; `warning`: check it before trusting the column; `error`: it can't be used as it is."""
    why: str
    affected: int
    """The number of cells it is about, of rows for `duplicate_rows` and `few_rows`; 0 if about none in particular."""


def find_alerts(profile: Profile, *, unread: Collection[str] = ()) -> tuple[Alert, ...]:
    """Return all alerts, the most costly first; `unread` are columns that stay text though they can be read."""
    alerts = [*_table_alerts(profile)]
    for column in profile.columns:
        for alert in _column_alerts(column, profile.rows):
            is_unread = alert.kind == "unfit_cells" and column.name in unread
            alerts.append(_unread_alert(alert, column, profile.rows) if is_unread else alert)
    return tuple(sorted(alerts, key=lambda alert: -_cost(alert, profile)))


def _unread_alert(alert: Alert, column: ColumnProfile, rows: int) -> Alert:
    """Return the alert about unfit cells of a column that stays text because of them."""
    others = f"so all {count(rows, 'cell')} stay text in both tables"
    why = f"{alert.why[:-1]}, {others}. With the type {column.storage} named for it, they are read."
    return alert.model_copy(update={"why": why, "severity": "error", "affected": rows})


def _cost(alert: Alert, profile: Profile) -> float:
    """Return what an alert costs its users, in columns whose every cell is lost."""
    columns = len(profile.columns) if alert.column is None and alert.affected else 1
    share = alert.affected / max(1, profile.rows) if alert.affected else 1.0
    return _SEVERITY[alert.severity] * _WEIGHTS.get(alert.kind, 1.0) * share * columns


def _table_alerts(profile: Profile) -> Iterator[Alert]:
    if 0 < profile.rows < FEW_ROWS:
        why = f"The table has only {count(profile.rows, 'row')}; what is said about its columns may be chance."
        yield Alert(kind="few_rows", column=None, severity="warning", why=why, affected=profile.rows)
    if copies := profile.duplicates.count:
        why = f"{fraction(copies, profile.rows, 'row')} {plural_verb(copies, 'is', 'are')} equal to an earlier one"
        why += "." if profile.duplicates.removable else ", and nothing shows whether they are copies."
        severity: Severity = "warning" if profile.duplicates.removable else "info"
        yield _alert("duplicate_rows", None, severity, why, copies)
    is_unknown = profile.target.column is None and profile.target.confidence < 1
    if is_unknown:
        yield _alert("no_target", None, "info", profile.target.why, 0)
    yield from _target_imbalance(profile)
    yield from (_leak_alert(leak, profile.target.column or "") for leak in profile.leaks)
    yield from (_missingness_alert(missingness) for missingness in profile.missingness)
    yield from _correlations(profile)


def _leak_alert(leak: Leak, target: str) -> Alert:
    explained = f"{percent(leak.score)} of the target {quoted(target)} on {count(leak.rows, 'sampled row')}"
    sounds = " and has the name of something known only afterwards" if leak.kind == "afterwards" else ""
    why = f"{quoted(leak.column)} alone explains {explained}{sounds}; make sure that it is known before the target is."
    return _alert("leakage", leak.column, "warning", why, 0)


def _missingness_alert(missingness: Missingness) -> Alert:
    name = quoted(missingness.column)
    if missingness.depends_on is None:
        words = listing((quoted(word) for word in missingness.refusals), conjunction="or")
        why = f"Some cells of {name} say {words}, so its values are not missing at random."
    else:
        other = quoted(missingness.depends_on)
        why = f"Whether {name} has a value depends on {other}, so its values are not missing at random."
    return _alert("telling_missingness", missingness.column, "info", why, 0)


def _target_imbalance(profile: Profile) -> Iterator[Alert]:
    target = profile.by_name().get(profile.target.column or "")
    if target is None or target.type not in ("boolean", "category") or not target.top_values:
        return
    known, first = profile.rows - target.missing, target.top_values[0]
    if first.count >= IMBALANCE * known and first.count < known:
        share = fraction(first.count, known, "known cell")
        why = f"The target {quoted(target.name)} is {quoted(first.value)} in {share}; a model will rarely see others."
        yield _alert("imbalanced_target", target.name, "warning", why, first.count)


def _correlations(profile: Profile) -> Iterator[Alert]:
    """Yield for each column its strongest correlation with an earlier column, where it is high and no leak."""
    correlation = profile.correlation
    if correlation is None:
        return
    excluded = {leak.column for leak in profile.leaks} | {profile.target.column}
    for index, name in enumerate(correlation.columns):
        row = correlation.matrix[index][:index]
        r, other = max(((abs(r), column) for column, r in enumerate(row) if r is not None), default=(0.0, 0))
        is_high = r >= HIGH_CORRELATION and correlation.is_significant(r)
        if is_high and not excluded & {name, correlation.columns[other]}:
            exact = number(round(row[other] or 0.0, 3))
            why = f"{quoted(name)} goes together with {quoted(correlation.columns[other])} (correlation {exact}): "
            yield _alert("highly_correlated", name, "info", f"{why}the two tell a model nearly the same.", 0)


def _column_alerts(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    yield from _gaps(column, rows)
    yield from _decimal_shifts(column, rows)
    yield from _consistency(column, rows)
    yield from _usability(column, rows)
    yield from _shape(column, rows)


def _gaps(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    name = quoted(column.name)
    if column.type == "empty":
        yield _alert("empty_column", column.name, "error", f"{name} has no value in any row.", rows)
        return
    hidden = sum(sentinel.count for sentinel in column.sentinels)
    gaps = max(0, column.missing - hidden - column.invalid)
    if gaps:
        severity: Severity = "error" if gaps >= MOSTLY_MISSING * rows else "warning"
        why = f"{fraction(gaps, rows, 'cell')} of {name} {plural_verb(gaps, 'has', 'have')} no value."
        yield _alert("missing_values", column.name, "info" if gaps < MANY_MISSING * rows else severity, why, gaps)
    if hidden:
        values = listing(f"{number(sentinel.value)} ({count(sentinel.count, 'cell')})" for sentinel in column.sentinels)
        why = f"{name} holds {values} where a value seems to be missing; all other values lie far from that."
        yield _alert("sentinel", column.name, "warning", why, hidden)
    if column.apart and column.is_quantity:
        values = listing(f"{number(value.value)} ({count(value.count, 'cell')})" for value in column.apart)
        cells = sum(value.count for value in column.apart)
        why = f"{name} holds {values}, far from all other values: does it stand for missing, or is it real?"
        yield _alert("possible_code", column.name, "warning", why, cells)


def _decimal_shifts(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    for shift in (*column.decimal_shifts, *column.possible_shifts):
        shifted = listing(number(value) for value in shift.examples)
        usual = f"{number(shift.usual_lower)} and {number(shift.usual_upper)}"
        why = (
            f"{fraction(shift.count, rows - column.missing, 'known cell')} of {quoted(column.name)} may have a slipped "
            f"decimal point, such as {shifted}; all others lie between {usual}."
        )
        yield _alert("slips", column.name, "warning", why, shift.count)


def _consistency(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    name = quoted(column.name)
    if column.invalid:
        held = examples(column.invalid_examples, of=column.invalid)
        why = f"{fraction(column.invalid, rows, 'cell')} of {name} can't be read as {_READ_AS[column.storage]}, {held}."
        yield _alert("unfit_cells", column.name, "warning", why, column.invalid)
    if column.ambiguity:
        yield _alert("ambiguous_format", column.name, "warning", f"{name}: {column.ambiguity}", rows - column.missing)
    if column.spellings:
        cells = sum(spelling.count for spelling in column.spellings)
        shown = (
            f"{quoted(spelling.before)} for {quoted(spelling.after)}" for spelling in column.spellings[:_MOST_EXAMPLES]
        )
        why = f"{fraction(cells, rows, 'cell')} of {name} {plural_verb(cells, 'is', 'are')} spelled unusually: "
        more = len(column.spellings) - _MOST_EXAMPLES
        why += listing([*shown, *([f"{more} more"] if more > 0 else [])])
        yield _alert("spelling_variants", column.name, "warning", f"{why}.", cells)


def _usability(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    name = quoted(column.name)
    if column.duplicate_of is not None:
        why = f"{name} has the same cells as {quoted(column.duplicate_of)}."
        yield _alert("duplicate_column", column.name, "warning", why, rows)
    if column.personal_data is not None and column.privacy == "keep":
        why = f"{name} holds {NOUNS[column.personal_data]}: personal data, of which a language model is shown nothing."
        yield _alert("personal_data", column.name, "info", why, 0)
    if column.type == "constant":
        yield _alert("constant", column.name, "info", f"All known values of {name} are the same.", 0)
    if column.type == "identifier":
        unique = column.distinct >= rows - column.missing
        what = "identifies its rows" if unique else "holds codes or names of something"
        why = f"{name} {what} ({count(column.distinct, 'different value')}) and tells a model nothing."
        yield _alert("identifier", column.name, "info", why, 0)
    if column.type == "category" and column.distinct > MANY_LEVELS and column.ambiguity is None:
        why = f"{name} has {count(column.distinct, 'category', 'categories')}, many of which will be rare."
        yield _alert("high_cardinality", column.name, "info", why, 0)


def _shape(column: ColumnProfile, rows: int) -> Iterator[Alert]:
    numbers, name = column.numbers, quoted(column.name)
    if numbers is None or column.type not in ("integer", "decimal"):
        return
    known = rows - column.missing
    if outside := column.outlying(rows):
        between = f"{number(numbers.iqr.lower or 0.0)} to {number(numbers.iqr.upper or 0.0)}"
        share = fraction(outside, known, "known cell")
        why = f"{share} of {name} {plural_verb(outside, 'lies', 'lie')} outside of the range from {between}."
        severity: Severity = "warning" if outside >= MANY_OUTLIERS * known else "info"
        yield _alert("outliers", column.name, severity, why, outside)
    if MANY_ZEROS <= numbers.zero_share < 1:
        why = f"{percent(numbers.zero_share)} of the known cells of {name} are zero."
        yield _alert("zero_inflated", column.name, "info", why, round(numbers.zero_share * known))
    elif numbers.skew is not None and abs(numbers.skew) >= STRONG_SKEW:
        tail = "large" if numbers.skew > 0 else "small"
        why = f"{name} has a long tail of {tail} values (skewness {number(round(numbers.skew, 2))})."
        yield _alert("skewed", column.name, "info", why, 0)


def _alert(kind: AlertKind, column: str | None, severity: Severity, why: str, affected: int) -> Alert:
    return Alert(kind=kind, column=column, severity=severity, why=why, affected=affected)
