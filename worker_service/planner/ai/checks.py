"""Checks that the proposals of a language model have to pass, and how its sentences are quoted."""

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

MAX_REASON_LENGTH = 300
MAX_UNREADABLE_SHARE = 0.05
"""The largest share of cells that may not fit a proposed type or unit."""
MIN_CELLS_PER_UNIT = 5
MAX_MEDIAN_RATIO = 1.3
"""The largest ratio between the medians of two units, once converted: amounts of one kind have about one median."""
_MISSING_WORD = re.compile(
    r"\b(no|not|none|unknown|missing|n/?a|nil|null|refus\w*|declin\w*|undisclosed|blank|unspecified|don.?t know|dk|tbd|"
    r"pending|keine|kein|sin|aucun|inconnu|unbekannt|desconocido)\b|^[-?.x*]+$",
    re.IGNORECASE,
)


def is_missing_word(level: str) -> bool:
    """Return True if a level contains a word that means that there is no value."""
    return _MISSING_WORD.search(level) is not None


def read_as_profiled(column: ColumnProfile, frame: Frame) -> Column:
    """Return a decoded column, parsed as its profile says."""
    decoded = frame[column.name]
    return decoded if column.read_as is None else decoded.derive(read, column.read_as).column


def check_units(conversion: UnitConversion, decoded: Column) -> str | None:
    """Return why a conversion is refused, or None if every unit is frequent and the medians then agree."""
    factors = tuple((unit.unit, unit.factor) for unit in conversion.units)
    if not decoded.is_text or not factors or any(not 0 < factor < 1e9 for _, factor in factors):
        return "the column holds no text with units, or a factor is none"
    if any(is_currency(unit) or not is_unit(unit) for unit, _ in factors):
        return "rates between currencies change, and what is no unit has no factor"
    inference = decoded.derive(infer_units, factors)
    parsed = None if inference.read_as is None else decoded.derive(read, inference.read_as)
    if parsed is None or inference.invalid > MAX_UNREADABLE_SHARE * max(1, parsed.column.known + inference.invalid):
        return f"{count(inference.invalid, 'cell')} would not fit"
    numbers = parsed.column.numbers()
    medians = []
    for unit, _ in factors:
        has_unit = pc.match_substring_regex(decoded.array, rf"\d\s*{re.escape(unit)}\s*$").fill_null(False)
        of_unit = numbers[np.asarray(has_unit.to_numpy(zero_copy_only=False)) & parsed.column.present()]
        if len(of_unit) < MIN_CELLS_PER_UNIT:
            return f"only {count(len(of_unit), 'cell')} are in {quoted(unit)}"
        medians.append(float(np.median(of_unit)))
    if not min(medians) > 0 or max(medians) > MAX_MEDIAN_RATIO * min(medians):
        return "converted, the units would not lie around the same middle"
    return None


def known_numbers(column: ColumnProfile, frame: Frame) -> Numbers:
    """Return the known numbers of a column without its sentinels."""
    typed = read_as_profiled(column, frame)
    values = typed.numbers()
    return values[typed.present() & ~np.isin(values, [sentinel.value for sentinel in column.sentinels])]


def is_plausible_synonym(level: str, into: str) -> bool:
    """Return True if one level is an abbreviation, a near spelling or a part of the other."""
    first, second = (re.sub(r"[\W_]+", "", text).casefold() for text in (level, into))
    if not first or not second:
        return False
    short, long = sorted((first, second), key=len)
    # The iterator is consumed as it is searched, so the letters have to come in the same order.
    remaining: Iterator[str] = iter(long)
    is_abbreviation = short[0] == long[0] and all(letter in remaining for letter in short)
    is_near_spelling = OSA.distance(first, second) <= max(1, len(long) // 5)
    return is_abbreviation or is_near_spelling or short in long


def quote_reason(why: str) -> str:
    """Return the model's reason as one short line in quotes, without markup."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in why).split())
    plain = re.sub(r"[<>`\[\]{}|\\]", "", line)
    return f"“{plain if len(plain) <= MAX_REASON_LENGTH else plain[: MAX_REASON_LENGTH - 1] + '…'}”"


def format_bound(value: float | None, unbounded: str) -> str:
    """Return a bound of a range as text; `unbounded` is the text for None."""
    return unbounded if value is None else number(value)


def attribute_reason(author: str, why: str, evidence: str) -> str:
    """Return the model's reason after its name, followed by the evidence from the data."""
    return f"{author}: {quote_reason(why)} {evidence}".strip()
