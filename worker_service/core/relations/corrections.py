"""The cells that break dependencies and whose right value the other columns of the row agree on.

Each column that determines the cell's column votes for the usual value of its group. A misspelt value needs one vote
and none against it. Any other value needs two, unless it occurs nowhere else or several sources report it; and no
other column may suit it better.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA, DamerauLevenshtein

from worker_service.core.relations.determinants import Codes, Rule
from worker_service.core.relations.sources import FEWEST_SOURCES, find_reported
from worker_service.core.table.frame import Column, Mask
from worker_service.core.table.written_values import WrittenValues

MOST_TYPOS, TYPO_SHARE = 3, 0.05
"""A value that more cells have, and a larger share of the cells of the usual one, is no typo."""
SHORTEST_TEXT = 2
LETTERS_PER_ERROR, MOST_ERRORS = 5, 3
"""A typo has at most one wrong letter in so many, and at most so many wrong letters."""
MOST_ALIKE = 0.3
"""A value is replaced by another one only in a column where two cells agree with at most this probability."""
FEWEST_VOTES = 2
VOTES_PER_DISSENT = 3
"""A value needs so many votes for each vote for another one."""
FEWEST_WITNESSES = 4
"""A value that occurs nowhere else is replaced if so many rows of a single group have the usual one."""
STRANGER = 0.2
"""Another column contradicts a value that it goes with in less than this share of the cases that the old one gives,"""
FEWEST_EXPECTED = 5
"""if these are at least so many."""
_NON_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True, eq=False)
class Table:
    """The columns that were compared, by name."""

    columns: Mapping[str, Column]
    values: Mapping[str, WrittenValues]
    """The values of each column, with those that do not fit its type."""
    quantities: Collection[str]
    """The columns that measure something; they are not corrected."""


def correct_codes(rules: Sequence[Rule], table: Table) -> dict[str, Codes]:
    """Return for each column that others determine the code that each cell should have, -1 where it may stay.

    Args:
        rules: the dependencies among the columns.
        table: the columns.
    """
    if not rules:
        return {}
    corrected, reported = {}, find_reported(table.columns)
    for name in dict.fromkeys(rule.dependent for rule in rules):
        column = table.columns[name]
        if name not in table.quantities and (column.is_text or column.is_integer):
            of_column = [rule for rule in rules if rule.dependent == name]
            corrected[name] = _corrections_of(name, of_column, table, reported)
    return corrected


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The cells for which the rules vote for another value."""

    cells: npt.NDArray[np.intp]
    before: Codes
    usual: Codes
    votes: Codes
    """The number of columns that vote for the usual value."""
    witnesses: Codes
    """The largest number of rows that one of the columns knows with the usual value."""
    certain: Mask
    """True if one of the columns has few errors."""
    reported: Mask
    """True if several sources report the value."""

    def take(self, chosen: Mask) -> "_Candidates":
        """Return the chosen ones."""
        return _Candidates(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _corrections_of(name: str, rules: Sequence[Rule], table: Table, reported: Collection[str]) -> Codes:
    """Return the code that each cell of a column should have, -1 where it may stay."""
    values, is_text = table.values[name], table.columns[name].is_text
    candidates = _find_candidates(rules, values, reported)
    similar = _are_typos(candidates, values, is_text=is_text)
    others = candidates.take(~similar & (candidates.before < values.fitting))
    replaceable = others.take(_are_replaceable(others, values))
    after = np.full(len(values.codes), -1, dtype=np.int64)
    after[candidates.cells[similar]] = candidates.usual[similar]
    suited = ~_are_contradicted(replaceable, values, [table.values[other] for other in table.values if other != name])
    after[replaceable.cells[suited]] = replaceable.usual[suited]
    return after


def _find_candidates(rules: Sequence[Rule], values: WrittenValues, reported: Collection[str]) -> _Candidates:
    """Return the cells for which the rules vote for another value, with hardly a vote for any other."""
    is_unfit = values.codes >= values.fitting
    cells = np.flatnonzero(np.any([rule.broken | (is_unfit & (rule.usual >= 0)) for rule in rules], axis=0))
    before = values.codes[cells]
    usual = np.array([rule.usual[cells] for rule in rules])
    votes = np.array([(usual == choice).sum(axis=0) for choice in usual]) * (usual >= 0) * (usual != before)
    best = votes.argmax(axis=0)
    chosen, most = np.take_along_axis(usual, best[None], axis=0)[0], votes.max(axis=0)
    others = (usual >= 0).sum(axis=0) - most
    is_agreed = (most > 0) & (most >= VOTES_PER_DISSENT * others)
    voters = (usual == chosen) & is_agreed
    witnesses = np.array([rule.votes[cells] for rule in rules])
    is_strict = np.array([rule.is_strict for rule in rules])[:, None]
    is_reported = np.array([rule.determinant in reported for rule in rules])[:, None]
    candidates = _Candidates(
        cells=cells,
        before=before,
        usual=chosen,
        votes=most,
        witnesses=np.where(voters, witnesses, 0).max(axis=0),
        certain=(voters & is_strict).any(axis=0),
        reported=(voters & is_reported).any(axis=0),
    )
    return candidates.take(is_agreed)


def _are_typos(candidates: _Candidates, values: WrittenValues, *, is_text: bool) -> Mask:
    """Return True where the value is a rare one and a misspelling of the usual one."""
    counts, is_unfit = values.counts, candidates.before >= values.fitting
    before, usual = counts[candidates.before], counts[candidates.usual]
    rare = (usual > MOST_TYPOS) & (before <= np.maximum(MOST_TYPOS, TYPO_SHARE * usual)) & (is_unfit | is_text)
    pairs = zip(values.texts_of(candidates.before[rare]), values.texts_of(candidates.usual[rare]), strict=True)
    is_sure = (is_unfit | (candidates.votes >= FEWEST_VOTES))[rare].tolist()
    rare[rare] = [is_typo(*pair) or (sure and _is_near(*pair)) for pair, sure in zip(pairs, is_sure, strict=True)]
    return np.asarray(rare, dtype=bool)


def _are_replaceable(candidates: _Candidates, values: WrittenValues) -> Mask:
    """Return True where enough columns vote, or one with few errors against a value that occurs nowhere else."""
    shares = values.counts / max(1, values.counts.sum())
    if float(np.dot(shares, shares)) > MOST_ALIKE:
        return np.zeros(len(candidates.cells), dtype=bool)
    is_unique = values.counts[candidates.before] == 1
    alone = candidates.certain & is_unique & (candidates.witnesses >= FEWEST_WITNESSES)
    reported = candidates.reported & (candidates.witnesses >= FEWEST_SOURCES)
    return np.asarray(alone | reported | (candidates.votes >= FEWEST_VOTES))


def _are_contradicted(candidates: _Candidates, values: WrittenValues, others: Iterable[WrittenValues]) -> Mask:
    """Return True where another column of the row goes with the value at hand and hardly with the usual one."""
    contradicted = np.zeros(len(candidates.cells), dtype=bool)
    if not contradicted.size:
        return contradicted
    codes, counts, width = values.codes, values.counts, len(values.counts)
    for other in others:
        known = (other.codes >= 0) & (codes >= 0)
        pairs, together = np.unique(other.codes[known] * width + codes[known], return_counts=True)
        beside = other.codes[candidates.cells]
        # The row itself does not count.
        before = _count_pairs(pairs, together, beside * width + candidates.before) - 1
        usual = _count_pairs(pairs, together, beside * width + candidates.usual)
        expected = before / np.maximum(1, counts[candidates.before] - 1) * counts[candidates.usual]
        contradicted |= (beside >= 0) & (expected >= FEWEST_EXPECTED) & (usual < STRANGER * expected)
    return contradicted


def _count_pairs(pairs: Codes, counts: npt.NDArray[np.integer], keys: Codes) -> npt.NDArray[np.integer]:
    positions = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
    return np.where(pairs[positions] == keys, counts[positions], 0)


def is_typo(value: str, usual: str) -> bool:
    """Return True if two texts differ in one long word by at most one letter in five.

    Texts that differ in digits, or by a prefix or suffix of a word, are different values and no typos.
    """
    if _NON_DIGITS.sub("", value) != _NON_DIGITS.sub("", usual):
        return False
    value_words, usual_words = value.casefold().split(), usual.casefold().split()
    different = [pair for pair in zip(value_words, usual_words, strict=False) if pair[0] != pair[1]]
    if len(value_words) != len(usual_words) or len(different) != 1:
        return value_words == usual_words
    left, right = different[0]
    shorter = min(len(left), len(right))
    if shorter < LETTERS_PER_ERROR or left.endswith(right) or right.endswith(left):
        return False
    most = min(MOST_ERRORS, shorter // LETTERS_PER_ERROR)
    return DamerauLevenshtein.distance(left, right, score_cutoff=most) <= most


def _is_near(value: str, usual: str) -> bool:
    """Return True if at most one letter in five differs, or one in a text of at least two."""
    if len(usual) < SHORTEST_TEXT:
        return False
    most = min(MOST_ERRORS, max(1, len(usual) // LETTERS_PER_ERROR))
    return OSA.distance(value.casefold(), usual.casefold(), score_cutoff=most) <= most
