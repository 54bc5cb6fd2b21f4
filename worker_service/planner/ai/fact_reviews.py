"""Judging what a language model says about columns: target, types, codes for missing, synonyms, units.

Each function writes what it accepts into the review and returns None, or returns why it does not accept it.
"""

from dataclasses import dataclass

import numpy as np

from worker_service.core.columns.column_profile import ColumnProfile, is_number
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
    MOST_UNFIT,
    may_mean,
    read_as_profiled,
    says_missing,
    signed_sentence,
    why_units_differ,
)

MOSTLY_DIFFERENT = 0.98
MOST_CODED = 0.5
"""Values that fill more than this share of the known cells are no code for missing."""
APART = 3.0
"""A code lies so many times further from its neighbour than the values there lie from each other."""
NEIGHBOURS = 10
MOST_RENAMED = 0.5
"""A level that is merged has at most this share of the rows of the level it becomes."""
MOST_LEVELS = 50
"""A text with more different values is no category, whatever a model says."""


@dataclass(frozen=True)
class FactReview:
    """What a review of facts knows, and what it has accepted."""

    facts: Profile
    frame: Frame
    author: str
    accepted: AcceptedAdvice

    def explain(self, kind: str, column: ColumnProfile, why: str, evidence: str = "") -> None:
        """Keep the model's sentence, with the evidence for it."""
        self.accepted.sentences[kind, column.name] = signed_sentence(self.author, why, evidence)


def review_target(review: FactReview, guess: TargetGuess, column: ColumnProfile) -> str | None:
    """Judge the column to predict: the other columns have to explain some of it."""
    chosen = review.facts.target.column
    if chosen is not None:
        return None if column.name == chosen else f"{quoted(chosen)} is the target already"
    columns = {one.name: read_as_profiled(one, review.frame) for one in review.facts.columns}
    score = predictability(column.name, review.facts.columns, columns)
    if score is None or score < LEAST_PREDICTABILITY:
        return "the other columns hardly predict it"
    review.accepted.target = column.name
    review.explain("target", column, guess.why, f"The other columns explain {percent(score)} of it.")
    return None


def review_type(review: FactReview, correction: TypeCorrection, column: ColumnProfile) -> str | None:
    """Judge another type for a column: nearly all of its cells have to fit."""
    if correction.type == column.type:
        return None
    refusal = _why_not_type(review, correction, column)
    if refusal is None:
        review.accepted.types[column.name] = correction.type
        review.explain("type", column, correction.why)
    return refusal


def _why_not_type(review: FactReview, correction: TypeCorrection, column: ColumnProfile) -> str | None:
    decoded = review.frame[column.name]
    match correction.type:
        case "identifier":
            return _why_no_identifier(column, review.facts.rows)
        case "category":
            fits = decoded.is_text and column.distinct <= MOST_LEVELS
            return None if fits else "it has too many values, or is no text"
        case "integer" | "decimal" | "boolean" | "timestamp":
            return _why_unreadable(decoded, correction)
    return None


def _why_no_identifier(column: ColumnProfile, rows: int) -> str | None:
    if column.distinct < MOSTLY_DIFFERENT * (rows - column.missing):
        return f"only {column.distinct:,} of its values are different"
    if column.type in ("decimal", "timestamp", "boolean") or not _is_of_one_length(column):
        return "its values are amounts or moments, and not codes of one length"
    return None


def _why_unreadable(decoded: Column, correction: TypeCorrection) -> str | None:
    if not decoded.is_text:
        return "the file holds another type"
    inference = decoded.derive(infer_as, correction.type)
    spec = inference.read_as
    fitting = 0 if spec is None else decoded.derive(read, spec).column.known
    if inference.invalid > MOST_UNFIT * max(1, fitting + inference.invalid):
        return f"{count(inference.invalid, 'cell')} would not fit"
    return None


def _is_of_one_length(column: ColumnProfile) -> bool:
    """Return True if whole numbers have equally many digits; text may be of any length."""
    numbers = column.numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None:
        return True
    return numbers.minimum > 0 and len(f"{numbers.minimum:.0f}") == len(f"{numbers.maximum:.0f}")


def review_codes(review: FactReview, codes: MissingCodes, column: ColumnProfile) -> str | None:
    """Judge values that are to stand for missing: words that say so, or numbers far from all others."""
    if column.numbers is not None:
        return _review_numeric_codes(review, codes, column)
    levels = {level.value: level.count for level in column.top_values}
    held = [value for value in codes.values if value in levels]
    if column.type not in ("category", "text") or not held:
        return "the column does not hold them, or they were taken for missing already"
    odd = [value for value in held if not says_missing(value)]
    if odd:
        return f"{quoted(odd[0])} does not say that something is missing"
    if sum(levels[value] for value in held) > MOST_CODED * (review.facts.rows - column.missing):
        return f"they fill more than {percent(MOST_CODED)} of the known cells"
    review.accepted.codes[column.name] = tuple(held)
    review.explain("codes", column, codes.why)
    return None


def _review_numeric_codes(review: FactReview, codes: MissingCodes, column: ColumnProfile) -> str | None:
    found = read_as_profiled(column, review.frame).derive(run_lengths)
    named = {float(value) for value in codes.values if is_number(value)}
    marked = np.isin(found.values.astype(np.float64), list(named))
    if not marked.any():
        return "the column does not hold them, or they were taken for missing already"
    if found.counts[marked].sum() > MOST_CODED * int(found.counts.sum()):
        return f"they fill more than {percent(MOST_CODED)} of the known cells"
    rest = found.values[~marked].astype(np.float64)
    for value in found.values[marked].astype(np.float64):
        if rest[0] < value < rest[-1] or len(rest) < 3:
            return f"{number(float(value))} lies among the other values"
        near = rest[:NEIGHBOURS] if value < rest[0] else rest[-NEIGHBOURS:]
        gap = float(rest[0] - value if value < rest[0] else value - rest[-1])
        if gap < APART * float(np.median(np.diff(near))):
            return f"{number(float(value))} is no further from the other values than those are from each other"
    review.accepted.codes[column.name] = tuple(str(value) for value in found.values[marked].tolist())
    lie = f"All other values lie between {number(float(rest[0]))} and {number(float(rest[-1]))}, apart from that."
    review.explain("codes", column, codes.why, lie)
    return None


def review_merge(review: FactReview, merge: LevelMerge, column: ColumnProfile) -> str | None:
    """Judge levels that are to mean another one: rarer than it, and abbreviations or near spellings of it."""
    levels = {level.value: level.count for level in column.top_values}
    if column.type != "category" or merge.into not in levels:
        return f"{quoted(merge.into[:40])} is none of its levels"
    held = [level for level in merge.levels if level in levels and level != merge.into]
    if not held:
        return "the column does not hold these levels"
    for level in held:
        if levels[level] > MOST_RENAMED * levels[merge.into]:
            return f"{quoted(level)} is too frequent to be an odd way of writing {quoted(merge.into)}"
        if not may_mean(level, merge.into):
            return f"nothing in {quoted(level)} shows that it means {quoted(merge.into)}"
    pairs = tuple((level, merge.into) for level in held)
    review.accepted.synonyms[column.name] = (*review.accepted.synonyms.get(column.name, ()), *pairs)
    review.explain("synonyms", column, merge.why)
    return None


def review_units(review: FactReview, conversion: UnitConversion, column: ColumnProfile) -> str | None:
    """Judge factors between units: converted, the amounts of all units have to lie around the same middle."""
    refusal = why_units_differ(conversion, review.frame[column.name])
    if refusal is None:
        review.accepted.units[column.name] = tuple((one.unit, one.factor) for one in conversion.units)
        review.explain("type", column, conversion.why, "Converted, the units lie around the same middle.")
    return refusal
