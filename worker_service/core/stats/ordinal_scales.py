"""Words that have an order of their own."""

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
_ORDINAL = re.compile(r"(\d+)(st|nd|rd|th)")
_RANGE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)|(?:<|under |below )\s*(\d+)|(?:>|over |above )?\s*(\d+)\+?")
FEWEST_LEVELS = 3


def recognised_order(levels: Collection[str]) -> tuple[str, ...] | None:
    """The levels from the least to the most; None unless every one of at least three has a place on one scale."""
    if len(levels) < FEWEST_LEVELS:
        return None
    plain = {level: " ".join(level.replace("_", " ").replace("-", " ").split()).casefold() for level in levels}
    if len(set(plain.values())) < len(plain):
        return None
    for scale in _SCALES:
        places = {word: place for place, word in enumerate(scale)}
        if all(word in places for word in plain.values()):
            return tuple(sorted(levels, key=lambda level: places[plain[level]]))
    return _numbered(levels)


def _numbered(levels: Collection[str]) -> tuple[str, ...] | None:
    """Ordinals such as `2nd`, and ranges such as `10-19` that do not overlap."""
    texts = {level: level.strip().casefold() for level in levels}
    ordinals = {level: match for level, text in texts.items() if (match := _ORDINAL.fullmatch(text))}
    if len(ordinals) == len(texts):
        return tuple(sorted(levels, key=lambda level: int(ordinals[level][1])))
    spans = {level: span for level, text in texts.items() if (span := _span(text)) is not None}
    if len(spans) < len(texts):
        return None
    ascending = sorted(levels, key=lambda level: spans[level])
    apart = all(spans[left][1] <= spans[right][0] for left, right in pairwise(ascending))
    return tuple(ascending) if apart else None


def _span(text: str) -> tuple[float, float] | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high, below, above = match.groups()
    if low is not None:
        return (float(low), float(high)) if float(low) <= float(high) else None
    return (float("-inf"), float(below)) if below is not None else (float(above), float("inf"))
