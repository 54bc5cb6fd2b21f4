"""Scales of words, ordinals and ranges that have an order of their own."""

import re
from collections.abc import Collection
from itertools import pairwise

_SCALES = (
    ("very low", "low", "medium", "high", "very high", "extreme"),
    ("very low", "low", "moderate", "high", "very high"),
    ("low", "mid", "high"),
    ("lowest", "lower", "middle", "upper", "highest"),
    ("tiny", "small", "medium", "large", "huge"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("never", "rarely", "seldom", "sometimes", "occasionally", "often", "usually", "always"),
    ("very poor", "poor", "fair", "average", "good", "very good", "excellent"),
    ("poor", "fair", "typical", "good", "excellent"),
    ("fair", "good", "very good", "premium", "ideal"),
    ("po", "fa", "ta", "gd", "ex"),
    ("asstprof", "assocprof", "prof"),
    ("assistant professor", "associate professor", "professor"),
    ("month to month", "one year", "two year"),
    ("hamlet", "village", "town", "city"),
    ("i3", "i2", "i1", "si2", "si1", "vs2", "vs1", "vvs2", "vvs1", "if", "fl"),
    ("awful", "bad", "ok", "good", "great"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very unlikely", "unlikely", "neutral", "likely", "very likely"),
    ("cold", "cool", "mild", "warm", "hot"),
    ("none", "mild", "moderate", "severe", "critical"),
    ("minor", "moderate", "major", "critical"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("junior", "mid", "senior", "lead", "principal"),
    ("bronze", "silver", "gold", "platinum", "diamond"),
    ("basic", "standard", "premium"),
    ("first", "second", "third", "fourth", "fifth"),
    ("primary", "secondary", "tertiary"),
    ("no formal education", "primary", "secondary", "high school", "bachelor", "master", "doctorate"),
    ("high school", "associate", "bachelor", "bachelors", "master", "masters", "phd", "doctorate"),
)
_MONEY = re.compile(r"[$€£]\s*|(?<=\d),(?=\d{3}(?!\d))|\s*(?:years?|yrs?|months?|days?|hours?)(?: old)?$")
"""What may stand around the numbers of a range, as in $25,000 - $49,999 and 5 to 9 years."""
_ORDINAL = re.compile(r"(\d+)(st|nd|rd|th)")
_RANGE = re.compile(
    r"(\d+)\s*(?:-|–|to)\s*(\d+)|(?:<|under |below )\s*(\d+)"
    r"|(?:>|over |above )?\s*(\d+)(?:\+| (?:and|or) (?:up|more|over|above))?"
)
FEWEST_LEVELS = 3


def recognise_order(levels: Collection[str]) -> tuple[str, ...] | None:
    """Return at least three levels in the order of a known scale; None unless every level is on the same scale."""
    if len(levels) < FEWEST_LEVELS:
        return None
    normalised = {level: " ".join(level.replace("_", " ").replace("-", " ").split()).casefold() for level in levels}
    if len(set(normalised.values())) < len(normalised):
        return None
    for scale in _SCALES:
        ranks = {word: rank for rank, word in enumerate(scale)}
        if all(word in ranks for word in normalised.values()):
            return tuple(sorted(levels, key=lambda level: ranks[normalised[level]]))
    return _numeric_order(levels)


def _numeric_order(levels: Collection[str]) -> tuple[str, ...] | None:
    """Return the levels by number if all are ordinals such as `2nd` or ranges such as `10-19` that do not overlap."""
    texts = {level: _MONEY.sub("", level.strip().casefold()) for level in levels}
    ordinals = {level: match for level, text in texts.items() if (match := _ORDINAL.fullmatch(text))}
    if len(ordinals) == len(texts):
        return tuple(sorted(levels, key=lambda level: int(ordinals[level][1])))
    ranges = {level: parsed for level, text in texts.items() if (parsed := _parse_range(text)) is not None}
    if len(ranges) < len(texts):
        return None
    ascending = sorted(levels, key=lambda level: ranges[level])
    disjoint = all(ranges[left][1] <= ranges[right][0] for left, right in pairwise(ascending))
    return tuple(ascending) if disjoint else None


def _parse_range(text: str) -> tuple[float, float] | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high, below, above = match.groups()
    if low is not None:
        return (float(low), float(high)) if float(low) <= float(high) else None
    return (float("-inf"), float(below)) if below is not None else (float(above), float("inf"))
