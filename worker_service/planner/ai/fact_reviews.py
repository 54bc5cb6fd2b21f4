"""Reviews of proposals about columns: target, types, codes for missing, synonyms, units.

Each function writes an accepted proposal into the review and returns None, or returns why it refuses the proposal.
"""

from dataclasses import dataclass

import numpy as np

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.corrections import is_number
from worker_service.core.humanize import count, number, percent, quoted
from worker_service.core.imputation.predictability import predictability
from worker_service.core.parsing import infer_as, read
from worker_service.core.profile import Profile
from worker_service.core.relations.target import LEAST_PREDICTABILITY
from worker_service.core.stats.summary import run_lengths
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.ai.accepted import AcceptedAdvice
from worker_service.planner.ai.advice import LevelMerge, MissingCodes, TargetGuess, TypeCorrection, UnitConversion
from worker_service.planner.ai.checks import (
    MAX_UNREADABLE_SHARE,
    attribute_reason,
    check_units,
    is_missing_word,
    is_plausible_synonym,
    read_as_profiled,
)

MIN_DISTINCT_SHARE = 0.98
"""An identifier has at least this share of different values."""
MAX_CODED_SHARE = 0.5
"""Values that fill more than this share of the known cells are no code for missing."""
MIN_GAP_RATIO = 3.0
"""The least gap between a code and its nearest value, as a multiple of the median gap between values there."""
NEIGHBOURS = 10
"""The number of nearest values from which the median gap is taken."""
MAX_FREQUENCY_RATIO = 0.5
"""The largest number of rows of a level that is merged, as a multiple of the rows of the level it becomes."""
MAX_LEVELS = 50
"""A text column with more different values is no category, whatever a model says."""


@dataclass(frozen=True)
class FactReview:
    """The state of a review of facts: its inputs, and the advice accepted so far."""

    facts: Profile
    frame: Frame
    author: str
    accepted: AcceptedAdvice

    def explain(self, kind: str, column: ColumnProfile, why: str, evidence: str = "") -> None:
        """Record the model's sentence with the evidence for it."""
        self.accepted.sentences[kind, column.name] = attribute_reason(self.author, why, evidence)


def review_target(review: FactReview, proposal: TargetGuess, column: ColumnProfile) -> str | None:
    """Review the column to predict: the other columns have to explain some of it."""
    known_target = review.facts.target.column
    if known_target is not None:
        return None if column.name == known_target else f"{quoted(known_target)} is the target already"
    columns = {other.name: read_as_profiled(other, review.frame) for other in review.facts.columns}
    score = predictability(column.name, review.facts.columns, columns)
    if score is None or score < LEAST_PREDICTABILITY:
        return "the other columns hardly predict it"
    review.accepted.target = column.name
    review.explain("target", column, proposal.why, f"The other columns explain {percent(score)} of it.")
    return None


def review_type(review: FactReview, correction: TypeCorrection, column: ColumnProfile) -> str | None:
    """Review another type for a column: nearly all of its cells have to fit."""
    if correction.type == column.type:
        return None
    refusal = _check_type(review, correction, column)
    if refusal is None:
        review.accepted.types[column.name] = correction.type
        review.explain("type", column, correction.why)
    return refusal


def _check_type(review: FactReview, correction: TypeCorrection, column: ColumnProfile) -> str | None:
    decoded = review.frame[column.name]
    match correction.type:
        case "identifier":
            return _check_identifier(column, review.facts.rows)
        case "category":
            fits = decoded.is_text and column.distinct <= MAX_LEVELS
            return None if fits else "it has too many values, or is no text"
        case "integer" | "decimal" | "boolean" | "timestamp":
            return _check_readable(decoded, correction)
    return None


def _check_identifier(column: ColumnProfile, rows: int) -> str | None:
    if column.distinct < MIN_DISTINCT_SHARE * (rows - column.missing):
        return f"only {column.distinct:,} of its values are different"
    if column.type in ("decimal", "timestamp", "boolean") or not _has_one_length(column):
        return "its values are amounts or moments, and not codes of one length"
    return None


def _check_readable(decoded: Column, correction: TypeCorrection) -> str | None:
    if not decoded.is_text:
        return "the file holds another type"
    inference = decoded.derive(infer_as, correction.type)
    spec = inference.read_as
    if spec is None or spec.kind != correction.type:
        return "most of its cells would not fit"
    readable = decoded.derive(read, spec).column.known
    if inference.invalid > MAX_UNREADABLE_SHARE * max(1, readable + inference.invalid):
        return f"{count(inference.invalid, 'cell')} would not fit"
    return None


def _has_one_length(column: ColumnProfile) -> bool:
    """Return True if all numbers have the same count of digits; text may have any length."""
    numbers = column.numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None:
        return True
    return numbers.minimum > 0 and len(f"{numbers.minimum:.0f}") == len(f"{numbers.maximum:.0f}")


def review_codes(review: FactReview, codes: MissingCodes, column: ColumnProfile) -> str | None:
    """Review values that stand for missing: words that mean it, or numbers far from all others."""
    if column.numbers is not None:
        return _review_numeric_codes(review, codes, column)
    levels = {level.value: level.count for level in column.top_values}
    held = [value for value in codes.values if value in levels]
    if column.type not in ("category", "text") or not held:
        return "the column does not hold them, or they were taken for missing already"
    ordinary = [value for value in held if not is_missing_word(value)]
    if ordinary:
        return f"{quoted(ordinary[0])} does not say that something is missing"
    if sum(levels[value] for value in held) > MAX_CODED_SHARE * (review.facts.rows - column.missing):
        return f"they fill more than {percent(MAX_CODED_SHARE)} of the known cells"
    review.accepted.codes[column.name] = tuple(held)
    review.explain("codes", column, codes.why)
    return None


def _review_numeric_codes(review: FactReview, codes: MissingCodes, column: ColumnProfile) -> str | None:
    runs = read_as_profiled(column, review.frame).derive(run_lengths)
    code_values = {float(value) for value in codes.values if is_number(value)}
    is_code = np.isin(runs.values.astype(np.float64), list(code_values))
    if not is_code.any():
        return "the column does not hold them, or they were taken for missing already"
    if runs.counts[is_code].sum() > MAX_CODED_SHARE * int(runs.counts.sum()):
        return f"they fill more than {percent(MAX_CODED_SHARE)} of the known cells"
    others = runs.values[~is_code].astype(np.float64)
    for value in runs.values[is_code].astype(np.float64):
        if others[0] < value < others[-1] or len(others) < 3:
            return f"{number(float(value))} lies among the other values"
        is_below = value < others[0]
        nearest = others[:NEIGHBOURS] if is_below else others[-NEIGHBOURS:]
        gap = float(others[0] - value if is_below else value - others[-1])
        if gap < MIN_GAP_RATIO * float(np.median(np.diff(nearest))):
            return f"{number(float(value))} is no further from the other values than those are from each other"
    review.accepted.codes[column.name] = tuple(str(value) for value in runs.values[is_code].tolist())
    smallest, largest = number(float(others[0])), number(float(others[-1]))
    evidence = f"All other values lie between {smallest} and {largest}, apart from that."
    review.explain("codes", column, codes.why, evidence)
    return None


def review_merge(review: FactReview, merge: LevelMerge, column: ColumnProfile) -> str | None:
    """Review levels that mean another level: they have to be rarer than it, and written similarly."""
    levels = {level.value: level.count for level in column.top_values}
    if column.type != "category" or merge.into not in levels:
        return f"{quoted(merge.into[:40])} is none of its levels"
    held = [level for level in merge.levels if level in levels and level != merge.into]
    if not held:
        return "the column does not hold these levels"
    for level in held:
        if levels[level] > MAX_FREQUENCY_RATIO * levels[merge.into]:
            return f"{quoted(level)} is too frequent to be an odd way of writing {quoted(merge.into)}"
        if not is_plausible_synonym(level, merge.into):
            return f"nothing in {quoted(level)} shows that it means {quoted(merge.into)}"
    pairs = tuple((level, merge.into) for level in held)
    review.accepted.synonyms[column.name] = (*review.accepted.synonyms.get(column.name, ()), *pairs)
    review.explain("synonyms", column, merge.why)
    return None


def review_units(review: FactReview, conversion: UnitConversion, column: ColumnProfile) -> str | None:
    """Review factors between units: converted, the amounts of all units have to have about the same median."""
    refusal = check_units(conversion, review.frame[column.name])
    if refusal is None:
        review.accepted.units[column.name] = tuple((unit.unit, unit.factor) for unit in conversion.units)
        review.explain("type", column, conversion.why, "Converted, the units lie around the same middle.")
    return refusal
