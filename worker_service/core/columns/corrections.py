"""The corrections of a column: numbers that stand for missing, shifted decimal points, and unusual spellings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.vocabulary import ColumnType
from worker_service.core.columns.decimal_shifts import (
    DecimalShift,
    WitnessedShift,
    find_decimal_shifts,
    restore_decimal_points,
)
from worker_service.core.columns.name_hints import is_code_name
from worker_service.core.columns.sentinels import Sentinel, Sentinels, find_sentinels, mask_sentinels
from worker_service.core.columns.shift_witnesses import find_witness
from worker_service.core.columns.spellings import Spelling, find_spellings, merge_spellings
from worker_service.core.stats.summary import run_lengths
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

_NUMBERS = ("integer", "decimal")


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """What is wrong with the values of a column, as far as it can be told for sure, and what may be."""

    sentinels: tuple[Sentinel, ...]
    possible_sentinels: tuple[Sentinel, ...]
    decimal_shifts: tuple[WitnessedShift, ...]
    possible_shifts: tuple[DecimalShift, ...]
    spellings: tuple[Spelling, ...]

    def apply(self, typed: Column) -> Column:
        """Return the column with what is sure corrected."""
        return apply_corrections(typed, self.sentinels, self.decimal_shifts, self.spellings)


def find_corrections(
    name: str,
    typed: Column,
    kind: ColumnType,
    others: Mapping[str, Column],
    *,
    codes: tuple[str, ...],
    synonyms: tuple[tuple[str, str], ...],
) -> Corrections:
    """Return the corrections of a column that has been read.

    Args:
        name: the name of the column.
        typed: the column as read.
        kind: its type.
        others: the other columns of numbers, which may witness a shifted decimal point.
        codes: further values that stand for missing, as canonical text.
        synonyms: levels of a category, each with the level that it means.
    """
    candidates = _find_codes(name, typed, kind)
    sentinels = _with_codes(typed, candidates.sure, codes)
    decimal_shifts, possible_shifts = _judge_shifts(kind, mask_sentinels(typed, sentinels), others)
    return Corrections(
        sentinels=sentinels,
        possible_sentinels=tuple(sentinel for sentinel in candidates.perhaps if sentinel not in sentinels),
        decimal_shifts=decimal_shifts,
        possible_shifts=possible_shifts,
        spellings=_with_synonyms(typed, synonyms) if kind == "category" else (),
    )


def apply_corrections(
    typed: Column,
    sentinels: tuple[Sentinel, ...],
    decimal_shifts: tuple[WitnessedShift, ...],
    spellings: tuple[Spelling, ...],
) -> Column:
    """Return a column with sentinels masked, decimal points restored and spellings merged."""
    restored = restore_decimal_points(mask_sentinels(typed, sentinels), decimal_shifts)
    return merge_spellings(restored, spellings)


def _find_codes(name: str, typed: Column, kind: ColumnType) -> Sentinels:
    """Return the numbers of an amount that stand for missing."""
    return Sentinels() if is_code_name(name) or kind not in _NUMBERS else typed.derive(find_sentinels)


def _judge_shifts(
    kind: ColumnType, typed: Column, others: Mapping[str, Column]
) -> tuple[tuple[WitnessedShift, ...], tuple[DecimalShift, ...]]:
    """Return the decimal shifts of a quantity that another column shows, and those that none shows."""
    if kind not in _NUMBERS:
        return (), ()
    witnesses = {shift: find_witness(shift, typed, others) for shift in typed.derive(find_decimal_shifts)}
    witnessed = (WitnessedShift(**shift.model_dump(), witness=name) for shift, name in witnesses.items() if name)
    return tuple(witnessed), tuple(shift for shift, name in witnesses.items() if not name)


def _with_codes(typed: Column, sure: tuple[Sentinel, ...], codes: tuple[str, ...]) -> tuple[Sentinel, ...]:
    """Return the sentinels, and the codes from the hints that occur in the column."""
    if not codes or not typed.is_number:
        return sure
    additional = {float(code) for code in codes if is_number(code)} - {sentinel.value for sentinel in sure}
    runs = typed.derive(run_lengths)
    hinted = [
        Sentinel(value=float(value), count=int(cells))
        for value, cells in zip(runs.values, runs.counts, strict=True)
        if float(value) in additional
    ]
    return (*sure, *hinted)


def _with_synonyms(typed: Column, synonyms: tuple[tuple[str, str], ...]) -> tuple[Spelling, ...]:
    """Return the unusual spellings, and the levels that mean another one by the hints."""
    spellings = {spelling.before: spelling for spelling in typed.derive(find_spellings)}
    levels = typed.derive(distinct)
    counts = dict(zip(levels.values.to_pylist(), levels.counts.tolist(), strict=True)) if synonyms else {}
    for before, after in synonyms:
        final = spellings[after].after if after in spellings else after
        if before in counts and final in counts and before not in spellings and final != before:
            spellings = {name: _redirect(spelling, before, final) for name, spelling in spellings.items()}
            spellings[before] = Spelling(before=before, after=final, count=counts[before])
    return tuple(spellings.values())


def _redirect(spelling: Spelling, before: str, after: str) -> Spelling:
    """Return a spelling that leads to `after` if it led to `before`, which is itself renamed."""
    return spelling.model_copy(update={"after": after}) if spelling.after == before else spelling


def is_number(text: str) -> bool:
    """Return True if a text is a finite number as Python reads it."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
