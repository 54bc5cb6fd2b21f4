"""The profile of one column: its type, how it is to be read, and the statistics of its values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.contracts.vocabulary import DEFAULT_PRIVACY, ChosenType, ColumnType, PrivacyMethod, Storage
from worker_service.core.columns.cell_faults import CellFaults, find_cell_faults
from worker_service.core.columns.cell_parts import CellParts, find_parts
from worker_service.core.columns.column_types import MOST_LEVELS, TypeDecision, apply_chosen_type, decide_type
from worker_service.core.columns.composed_values import Composition, find_composition
from worker_service.core.columns.corrections import apply_corrections, find_corrections
from worker_service.core.columns.decimal_shifts import DecimalShift, WitnessedShift
from worker_service.core.columns.known_ranges import KnownRange, find_known_range
from worker_service.core.columns.name_hints import is_code_name, is_coordinate_name, is_year_name
from worker_service.core.columns.personal_data import PersonalData, recognise_personal_data
from worker_service.core.columns.semantic_types import SemanticType, describe_evidence, recognise_semantic
from worker_service.core.columns.sentinels import Sentinel
from worker_service.core.columns.spellings import Spelling, find_possible_typos
from worker_service.core.parsing import (
    Inference,
    ReadAs,
    ReadDecimal,
    ReadText,
    infer,
    infer_as,
    infer_in_unit,
    infer_units,
    read,
)
from worker_service.core.parsing.text_numbers import NumberShape, recognise_shape
from worker_service.core.stats.summary import (
    NumberSummary,
    TextSummary,
    TimestampSummary,
    ValueCount,
    run_lengths,
    summarise_numbers,
    summarise_text,
    summarise_timestamps,
)
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column
from worker_service.core.value import Value

FEWEST_VALUES = 10
"""Whole or repeated numbers with at most this many different values are codes, ratings or a price list."""
FIRST_YEAR, FIRST_RECENT_YEAR, LAST_YEAR = 1000, 1800, 2100
"""Whole numbers in this range are years; from the first one on only if the name of the column says so."""
MOST_OUTLIERS = 0.1
"""If a larger share of the values is outside the fences, they are a part of the distribution and no outliers."""
_MOST_TOP_VALUES = 5
"""The number of top values of a column that is neither a category nor a boolean."""
MOST_WHOLE_NUMBERS = 60
"""Of a column with at most so many different whole numbers all are counted, because they may be codes."""


class ColumnProfile(Value):
    """The facts about one column, once it has been read."""

    name: str
    position: int
    """The position in the decoded table, from 1."""
    type: ColumnType
    semantic_type: SemanticType | None
    """The kind of real-world values, such as e-mail addresses."""
    personal_data: PersonalData | None = None
    """What the cells tell of persons."""
    privacy: PrivacyMethod = DEFAULT_PRIVACY
    """What was done with that; the other facts are about the cells as they are afterwards."""
    storage: Storage
    """The type of its cells, which does not depend on what the column is for."""
    read_as: ReadAs | None
    """The spec for reading the decoded text; None where it stays as it is."""
    read_why: str
    """The evidence for the way it is read, a sentence."""
    why: str
    """The evidence for the type, at most two sentences; the first is `read_why`."""
    missing: int
    """The number of cells without a value once read, including those with a sentinel."""
    sentinels: tuple[Sentinel, ...]
    """Numbers that stand for missing; the other facts about the values leave them out."""
    apart: tuple[Sentinel, ...]
    """Repeated numbers far from all others, which may be sentinels or real values."""
    decimal_shifts: tuple[WitnessedShift, ...]
    """Numbers that another column shows to have a shifted point; the other facts are about the restored values."""
    possible_shifts: tuple[DecimalShift, ...]
    """Numbers that look shifted beside the others of their column, which may be true."""
    spellings: tuple[Spelling, ...]
    """Unusual spellings of a category's values; the other facts are about the usual spellings."""
    possible_typos: tuple[Spelling, ...]
    """Rare values that look like a typo of a frequent one."""
    distinct: int
    """The number of different values."""
    invalid: int
    """The number of cells whose value does not fit the type and would become missing."""
    invalid_examples: tuple[str, ...]
    ambiguity: str | None
    """A sentence about what a person should decide, if anything."""
    number_shape: NumberShape | None = None
    """How its texts hold numbers, if they do."""
    number_count: int = 0
    """How many numbers a text holds."""
    parts: CellParts | None = None
    """The values that stand together in its cells, if there are several."""
    composition: Composition | None = None
    """How its cells are made of parts, if they are."""
    amounts: ReadDecimal | None
    """The format of its amounts, if it stays text because their units can't be converted into each other."""
    monotonic: Literal["increasing", "decreasing"] | None
    """The direction, if every value is larger (smaller) than the one before and none is missing."""
    duplicate_of: str | None = None
    """The name of an earlier column with the same cells."""
    top_values: tuple[ValueCount, ...]
    """The most frequent values: all of a category's or a boolean's, the first five of others that repeat."""
    known_range: KnownRange | None = None
    """The range that its name promises."""
    numbers: NumberSummary | None
    timestamps: TimestampSummary | None
    text: TextSummary | None
    faults: CellFaults
    """What nothing repairs, for the quality score."""

    @property
    def is_quantity(self) -> bool:
        """True if the values are amounts, which can be outliers, and not codes, ratings, years or coordinates."""
        is_coded = self.distinct <= FEWEST_VALUES and (self.storage == "integer" or bool(self.top_values))
        if self.type not in ("integer", "decimal") or self.semantic_type is not None or is_coded:
            return False
        return not (is_code_name(self.name) or is_coordinate_name(self.name) or self._holds_years)

    @property
    def _holds_years(self) -> bool:
        """True if the values are whole numbers that can be calendar years, and the name says so or they are recent."""
        numbers = self.numbers
        if self.storage != "integer" or numbers is None or numbers.minimum is None or numbers.maximum is None:
            return False
        first, last = FIRST_YEAR if is_year_name(self.name) else FIRST_RECENT_YEAR, LAST_YEAR
        return first <= numbers.minimum and numbers.maximum <= last

    def outlying(self, rows: int) -> int:
        """Return the number of outliers by the quartile fences, 0 where these have no meaning.

        Args:
            rows: the number of rows of the table.
        """
        if self.numbers is None or not self.is_quantity:
            return 0
        fences = self.numbers.iqr
        are_ordinary = fences.lower == fences.upper or fences.outside > MOST_OUTLIERS * (rows - self.missing)
        return 0 if are_ordinary else fences.outside


@dataclass(frozen=True)
class ColumnHints:
    """The options of a user and the accepted advice about a column, if any."""

    type: ChosenType | None = None
    codes: tuple[str, ...] = ()
    """Values that stand for missing, as canonical text."""
    synonyms: tuple[tuple[str, str], ...] = ()
    """Levels of a category, each with the level that it means."""
    units: tuple[tuple[str, float], ...] = ()
    """Each unit, and the factor that its numbers are multiplied by."""
    unit: str | None = None
    """The unit of bare numbers, into which the others are converted."""
    personal_data: PersonalData | Literal["none"] | None = None
    """What the cells told of persons before they were hidden; `none` if the uploader says that they do not."""
    privacy: PrivacyMethod = DEFAULT_PRIVACY
    """What was done with personal data."""


def infer_column(column: Column, hints: ColumnHints) -> Inference:
    """Return how a decoded column is to be read."""
    if hints.units and hints.type is None and hints.unit is None and column.is_text:
        return column.derive(infer_units, hints.units)
    if hints.unit is not None and hints.type in (None, "integer", "decimal") and column.is_text:
        return column.derive(infer_in_unit, hints.unit)
    inference = column.derive(infer) if hints.type is None else column.derive(infer_as, hints.type)
    if not hints.codes or not column.is_text or not isinstance(inference.read_as, ReadText | None):
        return inference
    values = column.derive(distinct).values.to_pylist()
    spec = ReadText(kind="text") if inference.read_as is None else inference.read_as
    missing = {*spec.missing, *(value for value in values if value.strip() in hints.codes)}
    return replace(inference, read_as=spec.model_copy(update={"missing": tuple(sorted(missing))}))


def read_column(column: Column, inference: Inference) -> Column:
    """Return a decoded column, read as inferred."""
    spec = inference.read_as
    return column if spec is None else column.derive(read, spec).column


def describe_column(
    name: str,
    position: int,
    typed: Column,
    inference: Inference,
    hints: ColumnHints,
    others: Mapping[str, Column] = MappingProxyType({}),
) -> ColumnProfile:
    """Return the profile of a column that has been read.

    Args:
        name: the name of the column.
        position: its position in the decoded table, from 1.
        typed: the column as read, before sentinels, decimal shifts and spellings are corrected.
        inference: how it was read.
        hints: the options of a user and the accepted advice about it.
        others: the other columns of numbers, which may witness a shifted decimal point.
    """
    decision = _decide_type(name, typed, distinct=_count_distinct(typed), code=inference.code, chosen=hints.type)
    corrections = find_corrections(name, typed, decision.type, others, codes=hints.codes, synonyms=hints.synonyms)
    typed = corrections.apply(typed)
    semantic_type = recognise_semantic(name, typed)
    personal_data = _personal_data(name, typed, semantic_type, hints)
    has_meaning = semantic_type is not None or personal_data is not None or inference.amounts is not None
    decomposition = {} if has_meaning or not typed.is_text else _decompose(typed)
    meaning = describe_evidence(semantic_type, typed.known) if semantic_type and not hints.type else decision.why
    return ColumnProfile(
        name=name,
        position=position,
        type=decision.type,
        semantic_type=semantic_type,
        personal_data=personal_data,
        privacy=hints.privacy,
        storage=_storage(typed),
        read_as=inference.read_as,
        read_why=inference.why,
        why=f"{inference.why} {meaning}".strip(),
        missing=typed.missing,
        sentinels=corrections.sentinels,
        apart=corrections.possible_sentinels,
        decimal_shifts=corrections.decimal_shifts,
        possible_shifts=corrections.possible_shifts,
        spellings=corrections.spellings,
        possible_typos=_possible_typos(typed, corrections.spellings) if decision.type == "category" else (),
        distinct=_count_distinct(typed),
        invalid=inference.invalid,
        invalid_examples=inference.examples,
        ambiguity=inference.ambiguity,
        amounts=inference.amounts,
        **decomposition,
        monotonic=_monotonic(typed, _count_distinct(typed)),
        top_values=_top_values(typed, decision.type),
        known_range=find_known_range(name, typed),
        numbers=typed.derive(summarise_numbers) if typed.is_number else None,
        timestamps=typed.derive(summarise_timestamps) if typed.is_timestamp else None,
        text=typed.derive(summarise_text) if typed.is_text else None,
        faults=find_cell_faults(name, typed),
    )


def _decompose(column: Column) -> dict[str, Any]:
    """Return how texts hold numbers, or the values that stand together in cells, or how each is made of parts."""
    numbers = column.derive(recognise_shape)
    if numbers is not None:
        return {"number_shape": numbers[0], "number_count": numbers[1]}
    parts = column.derive(find_parts)
    return {"parts": parts} if parts is not None else {"composition": column.derive(find_composition)}


def _personal_data(
    name: str, typed: Column, semantic_type: SemanticType | None, hints: ColumnHints
) -> PersonalData | None:
    if hints.personal_data is not None:
        return None if hints.personal_data == "none" else hints.personal_data
    return recognise_personal_data(name, typed, semantic_type)


def _decide_type(name: str, typed: Column, *, distinct: int, code: bool, chosen: ChosenType | None) -> TypeDecision:
    decision = decide_type(name, typed, distinct=distinct, code=code)
    return decision if chosen is None else apply_chosen_type(decision, typed, chosen)


def _possible_typos(tidy: Column, spellings: tuple[Spelling, ...]) -> tuple[Spelling, ...]:
    merged = {spelling.before for spelling in spellings}
    return tuple(typo for typo in tidy.derive(find_possible_typos) if typo.before not in merged)


def tidy_column(typed: Column, facts: ColumnProfile) -> Column:
    """Return a column with sentinels masked, decimal points restored and spellings merged."""
    return apply_corrections(typed, facts.sentinels, facts.decimal_shifts, facts.spellings)


def _storage(column: Column) -> Storage:
    if column.is_number:
        return "integer" if column.is_integer else "decimal"
    return "boolean" if column.is_boolean else "timestamp" if column.is_timestamp else "text"


def _count_distinct(column: Column) -> int:
    if column.is_number or column.is_timestamp:
        return len(column.derive(run_lengths).values)
    return len(column.derive(distinct).values)


def _monotonic(column: Column, distinct_count: int) -> Literal["increasing", "decreasing"] | None:
    if not (column.is_number or column.is_timestamp) or distinct_count < max(2, len(column)):
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
        runs = column.derive(run_lengths)
        values, counts = pa.array(runs.values), runs.counts
        values = values.view(column.type) if column.is_timestamp else values
        most = len(counts) if column.is_integer and len(counts) <= MOST_WHOLE_NUMBERS else _MOST_TOP_VALUES
        order = _most_frequent_indices(counts, most) if counts.max(initial=0) > 1 else np.zeros(0, np.int64)
    else:
        levels = column.derive(distinct)
        values, counts = levels.values, levels.counts
        order = levels.by_frequency()[: MOST_LEVELS if kind in ("category", "boolean") else _MOST_TOP_VALUES]
    texts = render(values.take(pa.array(order))).to_pylist()
    return tuple(ValueCount(value=text, count=int(counts[index])) for text, index in zip(texts, order, strict=True))


def _most_frequent_indices(counts: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    if len(counts) > most:
        least = np.partition(counts, -most)[-most]
        frequent = np.flatnonzero(counts >= least)
        return frequent[np.argsort(-counts[frequent], kind="stable")][:most]
    return np.argsort(-counts, kind="stable")
