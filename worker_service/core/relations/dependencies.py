"""Approximate functional dependencies: columns whose values another column determines, and the cells that break them.

A dependency holds if the share of rows that agree with the most frequent value of their group is high, compared with
the share that shuffled values reach.

Source:
    Huhtala, Kärkkäinen, Porkka & Toivonen (1999). TANE: an efficient algorithm for discovering functional and
    approximate dependencies.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rapidfuzz.distance import DamerauLevenshtein
from scipy import stats

from worker_service.core.stats.summary import Value
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

MOST_COLUMNS = 30
"""At most so many columns are compared, those with the fewest values first."""
SCREEN_ROWS, SAMPLE_ROWS = 2_000, 20_000
"""Pairs of columns that fail on the first sample are not tried on the second, nor its failures on all rows."""
LEAST_AGREEMENT = 0.9
"""The least share of the rows in large enough groups that have the usual value of their group;"""
MOST_OF_SHUFFLED = 0.1
"""and the largest share of the errors of shuffled values that may remain."""
FAMILY_WISE_ERROR = 0.001
"""The probability that any pair of independent columns of a table counts as a dependency (Bonferroni)."""
SHUFFLES = 5
LEAST_GROUP = 3
LEAST_SHARE = 0.8
"""A group has a usual value if at least this share of its rows has it."""
MOST_CONSTANT = 0.95
"""A column whose most frequent value has a larger share of its cells is not compared."""
MOST_TYPOS = 3
"""A value that more cells have is no typo."""
LETTERS_PER_ERROR, MOST_ERRORS = 5, 3
"""A typo has at most one wrong letter in so many, and at most so many wrong letters."""
MOST_CORRECTIONS = 1_000
MOST_EXAMPLES = 3
MOST_COUNTERS = 100_000
"""Up to so many codes, counting in an array is faster than sorting."""
_SEED = 20_240_105
_NON_DIGITS = re.compile(r"\D+")

Codes = npt.NDArray[np.int64]


class Correction(Value):
    """A misspelt value beside a value of the determinant, and the usual value of the rows with that value."""

    given: str
    """The determinant's value as canonical text."""
    before: str
    after: str
    count: int


class Violation(Value):
    """A cell that breaks a dependency."""

    row: int
    """The row number, counting from 1."""
    given: str
    actual: str
    usual: str


class Dependency(Value):
    """A column that determines another column."""

    determinant: str
    dependent: str
    rows: int
    """Rows in groups of at least three equal values of the determinant."""
    agreement: float
    """The share of those rows that have the usual value of their group."""
    violations: int
    """Rows that have another value though the group has a usual one."""
    uncorrected: int
    """Violations without a correction."""
    corrections: tuple[Correction, ...]
    """Violations that are typos of the usual value and that no other determinant contradicts."""
    examples: tuple[Violation, ...]
    """Some of the violations without a correction."""


def find_dependencies(columns: Mapping[str, Column], quantities: Collection[str] = ()) -> tuple[Dependency, ...]:
    """Find the dependencies among columns of equal length, discovered on a sample and counted on all rows.

    Args:
        columns: the columns by their names.
        quantities: the columns that measure something, which determines nothing.
    """
    usable = _usable(columns)
    codes = {name: column.derive(distinct).codes.astype(np.int64) for name, column in usable.items()}
    rules = [rule for pair in _discover(codes, quantities) if (rule := _rule(*pair, codes)) is not None]
    corrected = _corrected_codes(rules, usable)
    unreported = {name: after >= 0 for name, after in corrected.items()}
    return tuple(_to_dependency(rule, usable, corrected, unreported) for rule in rules)


@dataclass(frozen=True, eq=False)
class _Rule:
    """A dependency, with the usual code of the dependent in each row (-1 where there is none) and the violations."""

    determinant: str
    dependent: str
    rows: int
    agreement: float
    usual: Codes
    broken: Mask


@dataclass(frozen=True, eq=False)
class _Groups:
    """For each code of a determinant: its rows, those with the most frequent code of the dependent, and that code."""

    sizes: Codes
    most: Codes
    usual: Codes

    @property
    def rows(self) -> int:
        """The number of rows in groups that are large enough."""
        return int(self.sizes[self.sizes >= LEAST_GROUP].sum())

    @property
    def agreement(self) -> float:
        """The share of those rows that have the most frequent value of their group."""
        large = self.sizes >= LEAST_GROUP
        return float(self.most[large].sum()) / max(1, self.rows)


def _usable(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns of repeated values that are not nearly constant, those with the fewest values first."""
    sizes = {}
    for name, column in columns.items():
        counts = column.derive(distinct).counts
        if 2 <= len(counts) <= column.known / 2 and counts.max() <= MOST_CONSTANT * column.known:
            sizes[name] = len(counts)
    chosen = sorted(sizes, key=lambda name: sizes[name])[:MOST_COLUMNS]
    return {name: column for name, column in columns.items() if name in chosen}


def _discover(codes: Mapping[str, Codes], quantities: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs of names for which a dependency holds on both samples."""
    determinants = [name for name in codes if name not in quantities]
    pairs = [
        (determinant, dependent) for determinant in determinants for dependent in codes if determinant != dependent
    ]
    rows = len(next(iter(codes.values()))) if codes else 0
    random = np.random.default_rng(_SEED)
    for size in (SCREEN_ROWS, SAMPLE_ROWS):
        sample = random.permutation(rows)[:size]
        part = {name: column[sample] for name, column in codes.items()}
        if size < rows:
            pairs = [pair for pair in pairs if _groups(part[pair[0]], part[pair[1]]).agreement >= LEAST_AGREEMENT]
    level = FAMILY_WISE_ERROR / max(1, len(codes) * (len(codes) - 1))
    return [pair for pair in pairs if _beats_chance(part[pair[0]], part[pair[1]], random, level)]


def _beats_chance(determinant: Codes, dependent: Codes, random: np.random.Generator, level: float) -> bool:
    """Return True if a dependent has far fewer errors than shuffled values, and chance makes no so large difference.

    Under chance, the errors are at least as rare as the events of a Poisson distribution.
    """
    known = (determinant >= 0) & (dependent >= 0)
    determinant, dependent = determinant[known], dependent[known]
    actual = _groups(determinant, dependent)
    too_few = 2 * actual.rows < len(determinant) or (actual.sizes >= LEAST_GROUP).sum() < 2
    if too_few or actual.agreement < LEAST_AGREEMENT:
        return False
    agreements = [_groups(determinant, random.permutation(dependent)).agreement for _ in range(SHUFFLES)]
    error, by_chance = 1 - actual.agreement, 1 - float(np.mean(agreements))
    if error > MOST_OF_SHUFFLED * by_chance:
        return False
    return bool(stats.poisson.cdf(round(error * actual.rows), by_chance * actual.rows) <= level)


def _groups(determinant: Codes, dependent: Codes) -> _Groups:
    known = (determinant >= 0) & (dependent >= 0)
    width, height = int(dependent.max(initial=0)) + 1, int(determinant.max(initial=0)) + 1
    pairs, counts = _count_codes(determinant[known] * width + dependent[known], width * height)
    group, value = pairs // width, pairs % width
    order = np.lexsort((counts, group))
    last = order[np.append(np.diff(group[order]) > 0, True)] if len(order) else order
    sizes, most, usual = (np.zeros(height, dtype=np.int64) for _ in range(3))
    np.add.at(sizes, group, counts)
    most[group[last]], usual[group[last]] = counts[last], value[last]
    return _Groups(sizes, most, usual)


def _count_codes(codes: Codes, limit: int) -> tuple[Codes, Codes]:
    """Return the different codes below `limit` in ascending order, and their counts."""
    if limit > MOST_COUNTERS:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes, minlength=limit)
    present = np.flatnonzero(counts)
    return present, counts[present]


def _rule(determinant: str, dependent: str, codes: Mapping[str, Codes]) -> _Rule | None:
    given, values = codes[determinant], codes[dependent]
    groups = _groups(given, values)
    if groups.agreement < LEAST_AGREEMENT:
        return None
    clear = (groups.sizes >= LEAST_GROUP) & (groups.most >= LEAST_SHARE * groups.sizes)
    # In a group of the least size, two of its three rows are enough against the third.
    clear |= (groups.sizes == LEAST_GROUP) & (groups.most == LEAST_GROUP - 1)
    # The last entry is for rows in which the determinant is missing, whose code is -1.
    usual = np.append(np.where(clear, groups.usual, -1), -1)[given]
    broken = (usual >= 0) & (values >= 0) & (usual != values)
    return _Rule(determinant, dependent, groups.rows, groups.agreement, usual, broken)


def _corrected_codes(rules: list[_Rule], columns: Mapping[str, Column]) -> dict[str, Codes]:
    """Return for each dependent text column the code that each cell should have, -1 where it may stay."""
    corrected: dict[str, Codes] = {}
    for name in dict.fromkeys(rule.dependent for rule in rules):
        if columns[name].is_text:
            corrected[name] = _agreed_corrections([rule for rule in rules if rule.dependent == name], columns[name])
    # Where two columns of a row would be corrected, it is not clear which value is wrong.
    ambiguous = np.sum([after >= 0 for after in corrected.values()], axis=0) > 1
    return {name: np.where(ambiguous, -1, after) for name, after in corrected.items()}


def _agreed_corrections(rules: list[_Rule], column: Column) -> Codes:
    """Return the usual code where all rules that apply to a cell agree and its value is a typo of it, else -1."""
    levels = column.derive(distinct)
    usual_codes = np.max([rule.usual for rule in rules], axis=0)
    agreed = np.all([(rule.usual == usual_codes) | (rule.usual < 0) for rule in rules], axis=0)
    cells = np.flatnonzero(agreed & np.any([rule.broken for rule in rules], axis=0))
    before, usual = levels.codes[cells], usual_codes[cells]
    rare = (levels.counts[before] <= MOST_TYPOS) & (levels.counts[usual] > MOST_TYPOS)
    cells, before, usual = cells[rare], before[rare], usual[rare]
    typos = [is_typo(*pair) for pair in zip(_texts(column, before), _texts(column, usual), strict=True)]
    after = np.full(len(column), -1, dtype=np.int64)
    chosen = np.asarray(typos, dtype=bool)
    after[cells[chosen]] = usual[chosen]
    return after


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


def _texts(column: Column, codes: npt.NDArray[np.integer]) -> list[str]:
    values: list[str] = render(column.derive(distinct).values.take(pa.array(codes))).to_pylist()
    return values


def _to_dependency(
    rule: _Rule, columns: Mapping[str, Column], corrected: Mapping[str, Codes], unreported: dict[str, Mask]
) -> Dependency:
    """Describe a rule; a correction is reported only with the first rule that makes it."""
    after = corrected.get(rule.dependent, np.full(len(rule.broken), -1))
    reported = rule.broken & unreported.get(rule.dependent, False)
    corrections = tuple(_corrections(rule, columns, np.flatnonzero(reported), after))[:MOST_CORRECTIONS]
    if rule.dependent in unreported:
        unreported[rule.dependent] = unreported[rule.dependent] & ~reported
    uncorrected = np.flatnonzero(rule.broken & (after < 0))
    return Dependency(
        determinant=rule.determinant,
        dependent=rule.dependent,
        rows=rule.rows,
        agreement=rule.agreement,
        violations=int(rule.broken.sum()),
        uncorrected=len(uncorrected),
        corrections=corrections,
        examples=tuple(_violations(rule, columns, uncorrected[:MOST_EXAMPLES])),
    )


def _corrections(
    rule: _Rule, columns: Mapping[str, Column], cells: npt.NDArray[np.intp], after: Codes
) -> Iterator[Correction]:
    """Yield a correction for each pair of values that is corrected wherever the pair occurs."""
    determinant, dependent = columns[rule.determinant], columns[rule.dependent]
    given = determinant.derive(distinct).codes.astype(np.int64)
    before = dependent.derive(distinct).codes.astype(np.int64)
    width = int(before.max(initial=0)) + 1
    pairs, first, counts = np.unique(given[cells] * width + before[cells], return_index=True, return_counts=True)
    all_pairs = (given * width + before)[(given >= 0) & (before >= 0)]
    total = np.bincount(np.searchsorted(pairs, all_pairs[np.isin(all_pairs, pairs)]), minlength=len(pairs))
    rows = cells[np.sort(first[counts == total])]
    amounts = dict(zip(cells[first].tolist(), counts.tolist(), strict=True))
    texts = (_texts(determinant, given[rows]), _texts(dependent, before[rows]), _texts(dependent, after[rows]))
    for row, given_text, before_text, after_text in zip(rows.tolist(), *texts, strict=True):
        yield Correction(given=given_text, before=before_text, after=after_text, count=amounts[row])


def _violations(rule: _Rule, columns: Mapping[str, Column], cells: npt.NDArray[np.intp]) -> Iterator[Violation]:
    determinant, dependent = columns[rule.determinant], columns[rule.dependent]
    given, wrong = determinant.derive(distinct).codes[cells], dependent.derive(distinct).codes[cells]
    texts = (_texts(determinant, given), _texts(dependent, wrong), _texts(dependent, rule.usual[cells]))
    for row, given_text, wrong_text, usual_text in zip(cells.tolist(), *texts, strict=True):
        yield Violation(row=row + 1, given=given_text, actual=wrong_text, usual=usual_text)
