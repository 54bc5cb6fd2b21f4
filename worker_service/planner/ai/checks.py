"""Small tests that the proposals of a language model have to pass, and how its words are quoted."""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc
from rapidfuzz.distance import OSA

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, number, quoted
from worker_service.core.parsing import infer_units, read
from worker_service.core.parsing.units import is_currency, is_unit
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.ai.advice import UnitConversion

LONGEST_REASON = 300
MOST_UNFIT = 0.05
FEWEST_OF_UNIT = 5
ONE_MIDDLE = 1.3
"""Amounts of the same kind have about the same middle in whatever unit they were written."""
_NULLISH = re.compile(
    r"\b(no|not|none|unknown|missing|n/?a|nil|null|refus\w*|declin\w*|undisclosed|blank|unspecified|don.?t know|dk|tbd|"
    r"pending|keine|kein|sin|aucun|inconnu|unbekannt|desconocido)\b|^[-?.x*]+$",
    re.IGNORECASE,
)


def says_missing(level: str) -> bool:
    """Return True if a level has a word in it that says that there is no value."""
    return _NULLISH.search(level) is not None


def read_as_profiled(column: ColumnProfile, frame: Frame) -> Column:
    """A decoded column read as its type."""
    decoded = frame[column.name]
    return decoded if column.read_as is None else decoded.derive(read, column.read_as).column


def why_units_differ(conversion: UnitConversion, decoded: Column) -> str | None:
    """Why units can't be converted so; None where each is there often enough and all then lie around one middle."""
    factors = tuple((one.unit, one.factor) for one in conversion.units)
    if not decoded.is_text or not factors or any(not 0 < factor < 1e9 for _, factor in factors):
        return "the column holds no text with units, or a factor is none"
    if any(is_currency(unit) or not is_unit(unit) for unit, _ in factors):
        return "rates between currencies change, and what is no unit has no factor"
    inference = decoded.derive(infer_units, factors)
    reading = None if inference.read_as is None else decoded.derive(read, inference.read_as)
    if reading is None or inference.invalid > MOST_UNFIT * max(1, reading.column.known + inference.invalid):
        return f"{count(inference.invalid, 'cell')} would not fit"
    numbers = reading.column.numbers()
    middles = []
    for unit, _ in factors:
        has = pc.match_substring_regex(decoded.array, rf"\d\s*{re.escape(unit)}\s*$").fill_null(False)
        of_unit = numbers[np.asarray(has.to_numpy(zero_copy_only=False)) & reading.column.present()]
        if len(of_unit) < FEWEST_OF_UNIT:
            return f"only {count(len(of_unit), 'cell')} are in {quoted(unit)}"
        middles.append(float(np.median(of_unit)))
    if not min(middles) > 0 or max(middles) > ONE_MIDDLE * min(middles):
        return "converted, the units would not lie around the same middle"
    return None


def known_numbers(column: ColumnProfile, frame: Frame) -> Numbers:
    """The known numbers of a column, those that stand for missing left out."""
    typed = read_as_profiled(column, frame)
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


def quoted_reason(why: str) -> str:
    """The model's words in one short line between quotes, without anything a renderer could take for markup."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in why).split())
    plain = re.sub(r"[<>`\[\]{}|\\]", "", line)
    return f"“{plain if len(plain) <= LONGEST_REASON else plain[: LONGEST_REASON - 1] + '…'}”"


def end_of_range(value: float | None, nothing: str) -> str:
    """An end of a range in words."""
    return nothing if value is None else number(value)


def signed_sentence(author: str, why: str, evidence: str) -> str:
    """Return the model's words under its name, with what the data say beside them."""
    return f"{author}: {quoted_reason(why)} {evidence}".strip()
