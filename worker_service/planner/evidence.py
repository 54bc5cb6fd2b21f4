"""Small tests that the proposals of a language model have to pass, and how its words are quoted."""

import re
from collections.abc import Iterator

import numpy as np
from rapidfuzz.distance import OSA

from worker_service.core.fences import Numbers
from worker_service.core.frame import Column, Frame
from worker_service.core.profile import ColumnProfile
from worker_service.core.reading import read
from worker_service.core.wording import number

LONGEST_REASON = 300
_NULLISH = re.compile(
    r"\b(no|not|none|unknown|missing|n/?a|nil|null|refus\w*|declin\w*|undisclosed|blank|unspecified|don.?t know|dk|tbd|"
    r"pending|keine|kein|sin|aucun|inconnu|unbekannt|desconocido)\b|^[-?.x*]+$",
    re.IGNORECASE,
)


def says_missing(level: str) -> bool:
    """Whether a level has a word in it that says that there is no value."""
    return _NULLISH.search(level) is not None


def as_read(column: ColumnProfile, frame: Frame) -> Column:
    """A decoded column read as its type."""
    decoded = frame[column.name]
    return decoded if column.read_as is None else decoded.derive(read, column.read_as).column


def known_numbers(column: ColumnProfile, frame: Frame) -> Numbers:
    """The known numbers of a column, those that stand for missing left out."""
    typed = as_read(column, frame)
    values = typed.numbers()
    return values[typed.present() & ~np.isin(values, [one.value for one in column.sentinels])]


def may_mean(level: str, into: str) -> bool:
    """Whether one is an abbreviation or a near spelling of the other, or says the same with something beside it."""
    one, other = (re.sub(r"[\W_]+", "", text).casefold() for text in (level, into))
    if not one or not other:
        return False
    short, long = sorted((one, other), key=len)
    places: Iterator[str] = iter(long)
    abbreviated = short[0] == long[0] and all(letter in places for letter in short)
    close = OSA.distance(one, other) <= max(1, len(long) // 5)
    return abbreviated or close or short in long


def said(reason: str) -> str:
    """The model's words in one short line between quotes, without anything a renderer could take for markup."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in reason).split())
    plain = re.sub(r"[<>`\[\]{}|\\]", "", line)
    return f"“{plain if len(plain) <= LONGEST_REASON else plain[: LONGEST_REASON - 1] + '…'}”"


def end_of(value: float | None, nothing: str) -> str:
    """An end of a range in words."""
    return nothing if value is None else number(value)
