"""Columns whose values follow from another column's, as a state follows from a zip code, and cells that break the rule.

Approximate functional dependencies in the sense of Huhtala et al., TANE (1999): the share of rows that agree with the
most frequent value of their group, compared with the share that shuffled values reach.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rapidfuzz.distance import DamerauLevenshtein

from worker_service.core.stats.summary import Value
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

MOST_COLUMNS = 30
"""So many columns are compared, those with the fewest values first."""
SCREEN_ROWS, SAMPLE_ROWS = 2_000, 20_000
"""Pairs of columns that do not fit on the first sample are not looked at on the second, nor those on all rows."""
LEAST_AGREEMENT = 0.9
"""Of the rows in large enough groups, at least so many have the usual value of their group;"""
MOST_OF_SHUFFLED = 0.1
"""at most this share of the errors that shuffled values make may remain."""
LEAST_GROUP = 3
LEAST_SHARE = 0.8
"""A group has a usual value if that share of its rows has it."""
COMMONEST = 0.95
"""A value that more cells have follows from nothing."""
MOST_SLIPS = 3
"""A value that more cells have is no slip."""
SHORTEST_WORD, MOST_LETTERS = 5, 3
"""A letter in so many may be wrong, up to so many letters."""
MOST_CORRECTIONS = 1_000
MOST_EXAMPLES = 3
MOST_COUNTERS = 100_000
"""Counting by place is faster than sorting up to so many places."""
_SEED = 20_240_105
_DIGITS = re.compile(r"\D+")

Codes = npt.NDArray[np.int64]


class Correction(Value):
    """A misspelt value beside a value of the determinant, and what the other rows with that value say."""

    given: str
    """The determinant's value as canonical text."""
    before: str
    after: str
    count: int


class Violation(Value):
    """A cell that breaks a dependency."""

    row: int
    """Counting from 1."""
    given: str
    found: str
    usual: str


class Dependency(Value):
    """A column that says what another one says."""

    determinant: str
    dependent: str
    rows: int
    """Rows in groups of at least three equal values of the determinant."""
    agreement: float
    """The share of those rows that have the usual value of their group."""
    violations: int
    """Rows that have another value though the group has a usual one."""
    uncorrected: int
    """Those of them that no correction heals."""
    corrections: tuple[Correction, ...]
    """Violations that are slips of the usual value; no other determinant speaks against them."""
    examples: tuple[Violation, ...]
    """Violations that stay."""


def find_dependencies(columns: Mapping[str, Column]) -> tuple[Dependency, ...]:
    """Find the dependencies among columns of equal length, discovered on a sample and counted on all rows."""
    usable = _usable(columns)
    codes = {name: column.derive(distinct).codes.astype(np.int64) for name, column in usable.items()}
    rules = [rule for pair in _discovered(codes) if (rule := _rule(*pair, codes)) is not None]
    corrected = _corrected(rules, usable)
    waiting = {name: after >= 0 for name, after in corrected.items()}
    return tuple(_described(rule, usable, corrected, waiting) for rule in rules)


@dataclass(frozen=True, eq=False)
class _Rule:
    """A dependency with what it says about each row: a code of the dependent, -1 where nothing."""

    determinant: str
    dependent: str
    rows: int
    agreement: float
    usual: Codes
    broken: Mask


@dataclass(frozen=True, eq=False)
class _Groups:
    """For each code of a determinant: the rows, those with the most frequent code of the dependent, and that code."""

    sizes: Codes
    most: Codes
    usual: Codes

    @property
    def rows(self) -> int:
        """Rows in groups that are large enough."""
        return int(self.sizes[self.sizes >= LEAST_GROUP].sum())

    @property
    def agreement(self) -> float:
        """The share of them that have the most frequent value of their group."""
        large = self.sizes >= LEAST_GROUP
        return float(self.most[large].sum()) / max(1, self.rows)


def _usable(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns of repeated and different values, those with the fewest values first."""
    sizes = {}
    for name, column in columns.items():
        counts = column.derive(distinct).counts
        if 2 <= len(counts) <= column.known / 2 and counts.max() <= COMMONEST * column.known:
            sizes[name] = len(counts)
    chosen = sorted(sizes, key=lambda name: sizes[name])[:MOST_COLUMNS]
    return {name: column for name, column in columns.items() if name in chosen}


def _discovered(codes: Mapping[str, Codes]) -> list[tuple[str, str]]:
    """Pairs of names that hold on the samples, the second small one included."""
    pairs = [(one, other) for one in codes for other in codes if one != other]
    rows = len(next(iter(codes.values()))) if codes else 0
    random = np.random.default_rng(_SEED)
    for size in (SCREEN_ROWS, SAMPLE_ROWS):
        chosen = random.permutation(rows)[:size]
        part = {name: column[chosen] for name, column in codes.items()}
        if size < rows:
            pairs = [pair for pair in pairs if _groups(part[pair[0]], part[pair[1]]).agreement >= LEAST_AGREEMENT]
    return [pair for pair in pairs if _beats_chance(part[pair[0]], part[pair[1]], random)]


def _beats_chance(one: Codes, other: Codes, random: np.random.Generator) -> bool:
    both = (one >= 0) & (other >= 0)
    one, other = one[both], other[both]
    found = _groups(one, other)
    if 2 * found.rows < len(one) or found.agreement < LEAST_AGREEMENT or (found.sizes >= LEAST_GROUP).sum() < 2:
        return False
    shuffled = _groups(one, random.permutation(other))
    return 1 - found.agreement <= MOST_OF_SHUFFLED * (1 - shuffled.agreement) and shuffled.agreement < 1


def _groups(one: Codes, other: Codes) -> _Groups:
    both = (one >= 0) & (other >= 0)
    width, height = int(other.max(initial=0)) + 1, int(one.max(initial=0)) + 1
    pairs, counts = _counted(one[both] * width + other[both], width * height)
    group, value = pairs // width, pairs % width
    order = np.lexsort((counts, group))
    last = order[np.append(np.diff(group[order]) > 0, True)] if len(order) else order
    sizes, most, usual = (np.zeros(height, dtype=np.int64) for _ in range(3))
    np.add.at(sizes, group, counts)
    most[group[last]], usual[group[last]] = counts[last], value[last]
    return _Groups(sizes, most, usual)


def _counted(codes: Codes, most: int) -> tuple[Codes, Codes]:
    """The different codes below `most` in ascending order, and their counts."""
    if most > MOST_COUNTERS:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes, minlength=most)
    found = np.flatnonzero(counts)
    return found, counts[found]


def _rule(determinant: str, dependent: str, codes: Mapping[str, Codes]) -> _Rule | None:
    one, other = codes[determinant], codes[dependent]
    groups = _groups(one, other)
    if groups.agreement < LEAST_AGREEMENT:
        return None
    clear = (groups.sizes >= LEAST_GROUP) & (groups.most >= LEAST_SHARE * groups.sizes)
    # The smallest group has three rows, so that two others speak against the one.
    clear |= (groups.sizes == LEAST_GROUP) & (groups.most == LEAST_GROUP - 1)
    told = np.append(np.where(clear, groups.usual, -1), -1)
    usual = told[one]
    broken = (usual >= 0) & (other >= 0) & (usual != other)
    return _Rule(determinant, dependent, groups.rows, groups.agreement, usual, broken)


def _corrected(rules: list[_Rule], columns: Mapping[str, Column]) -> dict[str, Codes]:
    """For each dependent column of text the code that each cell should have, -1 where it may stay."""
    found: dict[str, Codes] = {}
    for name in dict.fromkeys(rule.dependent for rule in rules):
        if columns[name].is_text:
            found[name] = _voted([rule for rule in rules if rule.dependent == name], columns[name])
    busy = np.sum([after >= 0 for after in found.values()], axis=0) > 1
    return {name: np.where(busy, -1, after) for name, after in found.items()}


def _voted(rules: list[_Rule], column: Column) -> Codes:
    """What all rules agree on that say something about a cell, where the value found is a slip of it."""
    levels = column.derive(distinct)
    voted = np.max([rule.usual for rule in rules], axis=0)
    agreed = np.all([(rule.usual == voted) | (rule.usual < 0) for rule in rules], axis=0)
    cells = np.flatnonzero(agreed & np.any([rule.broken for rule in rules], axis=0))
    found, usual = levels.codes[cells], voted[cells]
    rare = (levels.counts[found] <= MOST_SLIPS) & (levels.counts[usual] > MOST_SLIPS)
    cells, found, usual = cells[rare], found[rare], usual[rare]
    slips = [is_typo(*pair) for pair in zip(_texts(column, found), _texts(column, usual), strict=True)]
    after = np.full(len(column), -1, dtype=np.int64)
    chosen = np.asarray(slips, dtype=bool)
    after[cells[chosen]] = usual[chosen]
    return after


def is_typo(found: str, usual: str) -> bool:
    """Whether they differ in one long word, by a letter in five; digits and prefixes are never taken for slips."""
    if _DIGITS.sub("", found) != _DIGITS.sub("", usual):
        return False
    left, right = found.casefold().split(), usual.casefold().split()
    different = [pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]]
    if len(left) != len(right) or len(different) != 1:
        return left == right
    one, other = different[0]
    shorter = min(len(one), len(other))
    if shorter < SHORTEST_WORD or one.endswith(other) or other.endswith(one):
        return False
    most = min(MOST_LETTERS, shorter // SHORTEST_WORD)
    return DamerauLevenshtein.distance(one, other, score_cutoff=most) <= most


def _texts(column: Column, codes: npt.NDArray[np.integer]) -> list[str]:
    values: list[str] = render(column.derive(distinct).values.take(pa.array(codes))).to_pylist()
    return values


def _described(
    rule: _Rule, columns: Mapping[str, Column], corrected: Mapping[str, Codes], waiting: dict[str, Mask]
) -> Dependency:
    """The rule's facts; a correction is told with the first rule that makes it."""
    after = corrected.get(rule.dependent, np.full(len(rule.broken), -1))
    mine = rule.broken & waiting.get(rule.dependent, False)
    corrections = tuple(_corrections(rule, columns, np.flatnonzero(mine), after))[:MOST_CORRECTIONS]
    if rule.dependent in waiting:
        waiting[rule.dependent] = waiting[rule.dependent] & ~mine
    left = np.flatnonzero(rule.broken & (after < 0))
    return Dependency(
        determinant=rule.determinant,
        dependent=rule.dependent,
        rows=rule.rows,
        agreement=rule.agreement,
        violations=int(rule.broken.sum()),
        uncorrected=len(left),
        corrections=corrections,
        examples=tuple(_violations(rule, columns, left[:MOST_EXAMPLES])),
    )


def _corrections(
    rule: _Rule, columns: Mapping[str, Column], cells: npt.NDArray[np.intp], after: Codes
) -> Iterator[Correction]:
    """One for each pair of values, if it holds wherever the pair occurs."""
    one, other = columns[rule.determinant], columns[rule.dependent]
    given, found = one.derive(distinct).codes.astype(np.int64), other.derive(distinct).codes.astype(np.int64)
    width = int(found.max(initial=0)) + 1
    pairs, first, counts = np.unique(given[cells] * width + found[cells], return_index=True, return_counts=True)
    everywhere = (given * width + found)[(given >= 0) & (found >= 0)]
    total = np.bincount(np.searchsorted(pairs, everywhere[np.isin(everywhere, pairs)]), minlength=len(pairs))
    keep = np.sort(first[counts == total])
    places = cells[keep]
    amounts = dict(zip(cells[first].tolist(), counts.tolist(), strict=True))
    texts = (_texts(one, given[places]), _texts(other, found[places]), _texts(other, after[places]))
    for place, value, before, usual in zip(places.tolist(), *texts, strict=True):
        yield Correction(given=value, before=before, after=usual, count=amounts[place])


def _violations(rule: _Rule, columns: Mapping[str, Column], cells: npt.NDArray[np.intp]) -> Iterator[Violation]:
    one, other = columns[rule.determinant], columns[rule.dependent]
    given, found = one.derive(distinct).codes[cells], other.derive(distinct).codes[cells]
    texts = (_texts(one, given), _texts(other, found), _texts(other, rule.usual[cells]))
    for row, value, wrong, usual in zip(cells.tolist(), *texts, strict=True):
        yield Violation(row=row + 1, given=value, found=wrong, usual=usual)
