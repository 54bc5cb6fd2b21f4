"""Alerts of one kind taken together: a sentence about all their columns, and what to do about them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from worker_service.core.humanize import count, listing, quoted
from worker_service.core.reporting.alerts import Alert, AlertKind
from worker_service.core.value import Value

_MOST_NAMES = 4
_MANY: Mapping[AlertKind, str] = MappingProxyType(
    {
        "missing_values": "have cells without a value",
        "empty_column": "have no value in any row",
        "telling_missingness": "have gaps that are not random",
        "sentinel": "hold numbers that seem to stand for missing",
        "possible_code": "hold numbers far from all others, which may be codes",
        "slips": "hold numbers that may have a slipped decimal point",
        "unfit_cells": "have cells that can't be read like the others",
        "ambiguous_format": "can be read in more than one way",
        "spelling_variants": "have values that are spelled in several ways",
        "duplicate_column": "repeat another column",
        "constant": "have one value in all rows",
        "identifier": "identify rows, or what they are about, and tell a model nothing",
        "high_cardinality": "have so many categories that most are rare",
        "outliers": "have values far outside of the range of the others",
        "skewed": "have a long tail of values",
        "zero_inflated": "are zero in most rows",
        "highly_correlated": "tell a model nearly the same as another column",
        "leakage": "may give the target away",
    }
)
"""The end of a sentence about several columns; alerts about the table come alone."""
_ADVICE: Mapping[AlertKind, str] = MappingProxyType(
    {
        "missing_values": "Find out why values are missing in {names}, and fill them at the source if you can.",
        "empty_column": "Drop {names}, or find out where the values were lost.",
        "telling_missingness": "Let a model know where {names} {has} no value; the engineered table does so.",
        "sentinel": "Check whether those numbers in {names} mean that nothing is known; they count as missing.",
        "possible_code": "Find out what those numbers in {names} mean; they were kept as they are.",
        "slips": "Check those numbers in {names} at the source.",
        "unfit_cells": "Correct those cells of {names} at the source; they count as missing.",
        "ambiguous_format": "Say how {names} {is_} to be read with `types=` or `units=`, and prepare the table again.",
        "spelling_variants": "Check that the merged spellings of {names} mean the same.",
        "duplicate_rows": "Decide whether rows equal to an earlier one are copies; only those with a key were removed.",
        "duplicate_column": "Drop {names}; the engineered table leaves {it} out.",
        "constant": "Drop {names}, unless other data will hold other values; the engineered table leaves {it} out.",
        "identifier": "Keep {names} to find rows again, not to train; the engineered table leaves {it} out.",
        "high_cardinality": "Group the categories of {names} by what they have in common.",
        "outliers": "Look at the histograms of {names}: such values may be errors, or the most telling ones.",
        "skewed": "Use a logarithm or ranks of {names} where a mean is wanted.",
        "zero_inflated": "Ask whether a zero in {names} means none, or not measured.",
        "highly_correlated": "Keep one of each pair when you explain a model; {names} {has} a twin.",
        "leakage": "Drop {names} unless {it} {is_} known when a prediction is made.",
        "imbalanced_target": "Judge a model by precision and recall: the frequent class alone looks good too.",
        "no_target": "Name the column to predict with `target=`, or `target=none`, and prepare the table again.",
        "personal_data": "Ask whether whoever gets the tables may have {names}, and drop what is not needed.",
        "few_rows": "Trust no statistic of so few rows without knowing where they come from.",
    }
)


class Topic(Value):
    """The alerts of one kind and severity."""

    kind: AlertKind
    columns: tuple[str, ...]
    sentence: str


def group_by_topic(alerts: Sequence[Alert]) -> list[Topic]:
    """Return the alerts, those of one kind and severity as one; in the order of the first of each."""
    groups: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        groups.setdefault((alert.kind, alert.severity), []).append(alert)
    return [_topic(group) for group in groups.values()]


def _topic(group: Sequence[Alert]) -> Topic:
    first = group[0]
    columns = tuple(dict.fromkeys(alert.column for alert in group if alert.column is not None))
    if len(group) == 1 or first.kind not in _MANY:
        return Topic(kind=first.kind, columns=columns, sentence=first.why)
    sentence = f"{count(len(columns), 'column')} {_MANY[first.kind]}: {_names(columns)}. {first.why}"
    return Topic(kind=first.kind, columns=columns, sentence=sentence)


def advise(topic: Topic) -> str:
    """Return what to do about a topic."""
    many = len(topic.columns) > 1
    words = {"has": "have" if many else "has", "is_": "are" if many else "is", "it": "them" if many else "it"}
    if topic.kind == "leakage" and many:
        words["it"] = "they"
    return _ADVICE[topic.kind].format(names=_names(topic.columns), **words)


def _names(columns: Sequence[str]) -> str:
    if len(columns) <= _MOST_NAMES + 1:
        return listing(quoted(name) for name in columns)
    return listing([*(quoted(name) for name in columns[:_MOST_NAMES]), f"{len(columns) - _MOST_NAMES} more"])
