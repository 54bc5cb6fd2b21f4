"""The facts about one column: what it is, how it is to be read and how its values lie."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.contracts.vocabulary import ChosenType, ColumnType, Storage
from worker_service.core.columns.column_types import MOST_LEVELS, decide_type, obey
from worker_service.core.columns.decimal_shifts import DecimalShift, find_decimal_shifts, restore_decimal_points
from worker_service.core.columns.semantic_types import SemanticType, recognise_semantic, sentence
from worker_service.core.columns.sentinels import Sentinel, Sentinels, find_sentinels, mask
from worker_service.core.columns.spellings import Spelling, find_spellings, merged
from worker_service.core.parsing import Inference, ReadAs, ReadText, infer, infer_as, infer_units, read
from worker_service.core.stats.summary import (
    NumberSummary,
    TextSummary,
    TimestampSummary,
    Value,
    ValueCount,
    run_lengths,
    summarise_numbers,
    summarise_text,
    summarise_timestamps,
)
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column

FEWEST_VALUES = 10
"""A column of whole or repeated numbers with at most so many different values holds codes, ratings or a price list."""
MOST_OUTLIERS = 0.1
"""More than this share outside the fences are no outliers but a part of the distribution."""
_FREQUENT = 5


class ColumnProfile(Value):
    """The facts about one column, as read."""

    name: str
    position: int
    """Its place in the decoded table, from 1."""
    type: ColumnType
    semantic_type: SemanticType | None
    """What the values are in the world, such as e-mail addresses."""
    storage: Storage
    """What its cells hold, whatever the column is for."""
    read_as: ReadAs | None
    """How the decoded text is to be read; None where it is right as it is."""
    why: str
    """Why this type, in words."""
    missing: int
    """Cells without a value once read, those with a sentinel included."""
    sentinels: tuple[Sentinel, ...]
    """Numbers that stand for missing; all that is said about the values leaves them out."""
    apart: tuple[Sentinel, ...]
    """Repeated numbers far from all others, which may be codes or real."""
    decimal_shifts: tuple[DecimalShift, ...]
    """Numbers with a slipped decimal point; all that is said about the values takes them for what was meant."""
    spellings: tuple[Spelling, ...]
    """Unusual spellings of a category's values; all that is said about the values takes them for the usual ones."""
    distinct: int
    """Different values."""
    invalid: int
    """Cells whose value does not fit the type and would become missing."""
    invalid_examples: tuple[str, ...]
    ambiguity: str | None
    """A sentence about something a person should decide."""
    monotonic: Literal["increasing", "decreasing"] | None
    """Whether every value is larger (smaller) than the one before; never where some are missing."""
    duplicate_of: str | None
    """An earlier column with the same cells."""
    top_values: tuple[ValueCount, ...]
    """The most frequent values: all of a category's or a boolean's, the first five of others that repeat."""
    numbers: NumberSummary | None
    timestamps: TimestampSummary | None
    text: TextSummary | None

    @property
    def is_quantity(self) -> bool:
        """Whether its values are no codes, ratings, numbers of telephones or places: only then some can lie outside."""
        coded = self.distinct <= FEWEST_VALUES and (self.storage == "integer" or bool(self.top_values))
        return self.type in ("integer", "decimal") and self.semantic_type is None and not coded

    def outlying(self, rows: int) -> int:
        """Values outside the ordinary range by quartiles, 0 where that range means nothing; the table has `rows`."""
        if self.numbers is None or not self.is_quantity:
            return 0
        fences = self.numbers.iqr
        belong = fences.lower == fences.upper or fences.outside > MOST_OUTLIERS * (rows - self.missing)
        return 0 if belong else fences.outside


@dataclass(frozen=True)
class ColumnHints:
    """What somebody said of a column, where anybody did."""

    type: ChosenType | None = None
    codes: tuple[str, ...] = ()
    """Values that stand for missing, as canonical text."""
    synonyms: tuple[tuple[str, str], ...] = ()
    """Levels that mean another one."""
    units: tuple[tuple[str, float], ...] = ()
    """What the numbers of each unit are multiplied by."""


def infer_column(column: Column, said: ColumnHints) -> Inference:
    """How a decoded column is to be read."""
    if said.units and said.type is None and column.is_text:
        return column.derive(infer_units, said.units)
    found = column.derive(infer) if said.type is None else column.derive(infer_as, said.type)
    if not said.codes or not column.is_text or not isinstance(found.read_as, ReadText | None):
        return found
    values = column.derive(distinct).values.to_pylist()
    usual = ReadText(kind="text") if found.read_as is None else found.read_as
    missing = {*usual.missing, *(value for value in values if value.strip() in said.codes)}
    return replace(found, read_as=usual.model_copy(update={"missing": tuple(sorted(missing))}))


def read_column(column: Column, inference: Inference) -> Column:
    """A decoded column, read as inferred."""
    spec = inference.read_as
    return column if spec is None else column.derive(read, spec).column


def describe_column(name: str, position: int, typed: Column, inference: Inference, said: ColumnHints) -> ColumnProfile:
    """The facts about a column that has been read; `position` is its place in the table, from 1."""
    different = _distinct_values(typed)
    verdict = decide_type(name, typed, distinct=different, code=inference.code)
    if said.type is not None:
        verdict = obey(verdict, typed, said.type)
    found = typed.derive(find_sentinels) if verdict.type in ("integer", "decimal") else Sentinels()
    sentinels = _with_codes(typed, found.sure, said.codes)
    spellings = _with_synonyms(typed, said.synonyms) if verdict.type == "category" else ()
    typed = mask(typed, sentinels)
    decimal_shifts = typed.derive(find_decimal_shifts) if verdict.type in ("integer", "decimal") else ()
    typed = merged(restore_decimal_points(typed, decimal_shifts), spellings)
    different = _distinct_values(typed) if decimal_shifts else different - len(sentinels) - len(spellings)
    semantic_type = recognise_semantic(name, typed)
    meaning = "" if semantic_type is None else sentence(semantic_type, typed.known)
    return ColumnProfile(
        name=name,
        position=position,
        type=verdict.type,
        semantic_type=semantic_type,
        storage=_storage(typed),
        read_as=inference.read_as,
        why=" ".join(part for part in (inference.why, verdict.why, meaning) if part),
        missing=typed.missing,
        sentinels=sentinels,
        apart=tuple(one for one in found.perhaps if one not in sentinels),
        decimal_shifts=decimal_shifts,
        spellings=spellings,
        distinct=different,
        invalid=inference.invalid,
        invalid_examples=inference.examples,
        ambiguity=inference.ambiguity,
        monotonic=_monotonic(typed, different),
        duplicate_of=None,
        top_values=_top_values(typed, verdict.type),
        numbers=typed.derive(summarise_numbers) if typed.is_number else None,
        timestamps=typed.derive(summarise_timestamps) if typed.is_timestamp else None,
        text=typed.derive(summarise_text) if typed.is_text else None,
    )


def _with_codes(typed: Column, sure: tuple[Sentinel, ...], codes: tuple[str, ...]) -> tuple[Sentinel, ...]:
    """The sentinels, and the numbers that somebody says are some."""
    if not codes or not typed.is_number:
        return sure
    wanted = {float(code) for code in codes if is_number(code)} - {one.value for one in sure}
    found = typed.derive(run_lengths)
    more = [
        Sentinel(value=float(value), count=int(held))
        for value, held in zip(found.values, found.counts, strict=True)
        if float(value) in wanted
    ]
    return (*sure, *more)


def _with_synonyms(typed: Column, synonyms: tuple[tuple[str, str], ...]) -> tuple[Spelling, ...]:
    """The unusual spellings, and the levels that somebody says mean another."""
    found = {one.before: one for one in typed.derive(find_spellings)}
    levels = typed.derive(distinct)
    counts = dict(zip(levels.values.to_pylist(), levels.counts.tolist(), strict=True)) if synonyms else {}
    for before, after in synonyms:
        final = found[after].after if after in found else after
        if before in counts and final in counts and before not in found and final != before:
            found = {name: _towards(one, before, final) for name, one in found.items()}
            found[before] = Spelling(before=before, after=final, count=counts[before])
    return tuple(found.values())


def _towards(spelling: Spelling, before: str, after: str) -> Spelling:
    """A spelling of a level that is itself renamed."""
    return spelling.model_copy(update={"after": after}) if spelling.after == before else spelling


def is_number(text: str) -> bool:
    """Whether a text is a finite number as Python reads it."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def tidy_column(typed: Column, facts: ColumnProfile) -> Column:
    """A column as it is once sentinels are masked, slips mended and spellings merged."""
    return merged(restore_decimal_points(mask(typed, facts.sentinels), facts.decimal_shifts), facts.spellings)


def _storage(column: Column) -> Storage:
    if column.is_number:
        return "integer" if column.is_integer else "decimal"
    return "boolean" if column.is_boolean else "timestamp" if column.is_timestamp else "text"


def _distinct_values(column: Column) -> int:
    if column.is_number or column.is_timestamp:
        return len(column.derive(run_lengths).values)
    return len(column.derive(distinct).values)


def _monotonic(column: Column, different: int) -> Literal["increasing", "decreasing"] | None:
    if not (column.is_number or column.is_timestamp) or different < max(2, len(column)):
        return None
    array = column.array.cast(TIMESTAMP).view("int64") if column.is_timestamp else column.array
    values = array.to_numpy()
    if (values[1:] > values[:-1]).all():
        return "increasing"
    return "decreasing" if (values[1:] < values[:-1]).all() else None


def _top_values(column: Column, kind: ColumnType) -> tuple[ValueCount, ...]:
    if kind in ("identifier", "empty"):
        return ()
    if column.is_number or column.is_timestamp:
        found = column.derive(run_lengths)
        values, counts = pa.array(found.values), found.counts
        values = values.view(column.type) if column.is_timestamp else values
        order = _most_frequent(counts) if counts.max(initial=0) > 1 else np.zeros(0, np.int64)
    else:
        levels = column.derive(distinct)
        values, counts = levels.values, levels.counts
        order = levels.by_frequency()[: MOST_LEVELS if kind in ("category", "boolean") else _FREQUENT]
    texts = render(values.take(pa.array(order))).to_pylist()
    return tuple(ValueCount(value=text, count=int(counts[place])) for text, place in zip(texts, order, strict=True))


def _most_frequent(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if len(counts) > _FREQUENT:
        least = np.partition(counts, -_FREQUENT)[-_FREQUENT]
        frequent = np.flatnonzero(counts >= least)
        return frequent[np.argsort(-counts[frequent], kind="stable")][:_FREQUENT]
    return np.argsort(-counts, kind="stable")
