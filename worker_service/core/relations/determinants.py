"""Approximate functional dependencies: which columns determine which others.

A dependency holds if the share of rows that agree with the most frequent value of their group is high, compared with
the share that shuffled values reach. In a table with many errors fewer rows agree; then the others must be scattered,
as errors are, and not form values of their own.

Source:
    Huhtala, Kärkkäinen, Porkka & Toivonen (1999). TANE: an efficient algorithm for discovering functional and
    approximate dependencies.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from worker_service.core.table.frame import Mask

SCREEN_ROWS, SAMPLE_ROWS = 2_000, 20_000
"""Pairs of columns that fail on the first sample are not tried on the second, nor its failures on all rows."""
STRICT_AGREEMENT, STRICT_OF_SHUFFLED = 0.9, 0.1
"""The least share of the rows in large enough groups that have the usual value of their group, and the largest share
of the errors of shuffled values that may remain, in a table with few errors;"""
LEAST_AGREEMENT, MOST_OF_SHUFFLED = 0.6, 0.45
"""and in one with many, if"""
LEAST_SCATTERED = 0.9
"""this share of the rows is in groups whose other values are scattered: the next frequent one has"""
MOST_OF_USUAL = 0.25
"""a single row, or at most this share of those with the most frequent one."""
LEAST_SHARE = 0.5
"""A group has a usual value if besides at least this share of its rows has it."""
FAMILY_WISE_ERROR = 0.001
"""The probability that any pair of independent columns of a table counts as a dependency (Bonferroni)."""
SHUFFLES = 5
LEAST_GROUP = 3
MOST_COUNTERS = 100_000
"""Up to so many codes, counting in an array is faster than sorting."""
_SEED = 20_240_105

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rule:
    """A dependency, with the usual code of the dependent in each row (-1 where there is none) and the violations."""

    determinant: str
    dependent: str
    rows: int
    """Rows in groups that are large enough."""
    agreement: float
    """The share of those rows that have the usual value of their group."""
    chance: float
    """The same share if the values are shuffled."""
    usual: Codes
    votes: Codes
    """The rows of the same group that have the usual value."""
    broken: Mask

    @property
    def is_strict(self) -> bool:
        """True if the dependency holds as in a table with few errors."""
        return _is_strict(self.agreement, self.chance)


@dataclass(frozen=True, eq=False)
class _Groups:
    """For each code of a determinant: its rows, those with the most frequent codes of the dependent, and the code."""

    sizes: Codes
    most: Codes
    next: Codes
    usual: Codes

    @property
    def is_large(self) -> Mask:
        """True for the groups that are large enough."""
        return self.sizes >= LEAST_GROUP

    @property
    def is_scattered(self) -> Mask:
        """True for the large groups with a most frequent value beside which the others are rare."""
        is_rare = self.next <= np.maximum(1, MOST_OF_USUAL * self.most)
        return np.asarray(self.is_large & (self.most >= 2) & is_rare)

    @property
    def is_clear(self) -> Mask:
        """True for the groups that have a usual value."""
        return np.asarray(self.is_scattered & (self.most >= LEAST_SHARE * self.sizes))

    @property
    def rows(self) -> int:
        """The number of rows in groups that are large enough."""
        return int(self.sizes[self.is_large].sum())

    @property
    def agreement(self) -> float:
        """The share of those rows that have the most frequent value of their group."""
        return float(self.most[self.is_large].sum()) / max(1, self.rows)

    @property
    def scattered(self) -> float:
        """The share of those rows in groups whose other values are scattered."""
        return float(self.sizes[self.is_scattered].sum()) / max(1, self.rows)

    @property
    def may_depend(self) -> bool:
        """True if enough rows agree, or as many as in a table with many errors."""
        agreement = self.agreement
        return agreement >= STRICT_AGREEMENT or (agreement >= LEAST_AGREEMENT and self.scattered >= LEAST_SCATTERED)


def find_rules(codes: Mapping[str, Codes], quantities: Collection[str]) -> list[Rule]:
    """Find the dependencies among columns, discovered on a sample and counted on all rows.

    Args:
        codes: the codes of the values of each column, -1 where a cell is missing.
        quantities: the columns that measure something, which determines nothing.
    """
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
            pairs = [pair for pair in pairs if _group(part[pair[0]], part[pair[1]]).may_depend]
    level = FAMILY_WISE_ERROR / max(1, len(codes) * (len(codes) - 1))
    chances = {pair: _agreement_by_chance(part[pair[0]], part[pair[1]], random, level) for pair in pairs}
    rules = (_rule(*pair, codes, chance) for pair, chance in chances.items() if chance is not None)
    return [rule for rule in rules if rule is not None]


def _is_strict(agreement: float, chance: float) -> bool:
    return agreement >= STRICT_AGREEMENT and 1 - agreement <= STRICT_OF_SHUFFLED * (1 - chance)


def _agreement_by_chance(
    determinant: Codes, dependent: Codes, random: np.random.Generator, level: float
) -> float | None:
    """Return the agreement of shuffled values; None if the actual ones don't have far fewer errors, beyond chance.

    Under chance, the errors are at least as rare as the events of a Poisson distribution.
    """
    known = (determinant >= 0) & (dependent >= 0)
    determinant, dependent = determinant[known], dependent[known]
    actual = _group(determinant, dependent)
    too_few = 2 * actual.rows < len(determinant) or actual.is_large.sum() < 2
    if too_few or not actual.may_depend:
        return None
    chance = float(np.mean([_group(determinant, random.permutation(dependent)).agreement for _ in range(SHUFFLES)]))
    error = 1 - actual.agreement
    if not _is_strict(actual.agreement, chance) and (
        error > MOST_OF_SHUFFLED * (1 - chance) or actual.scattered < LEAST_SCATTERED
    ):
        return None
    is_beyond_chance = stats.poisson.cdf(round(error * actual.rows), (1 - chance) * actual.rows) <= level
    return chance if is_beyond_chance else None


def _group(determinant: Codes, dependent: Codes) -> _Groups:
    known = (determinant >= 0) & (dependent >= 0)
    width, height = int(dependent.max(initial=0)) + 1, int(determinant.max(initial=0)) + 1
    pairs, counts = _count_codes(determinant[known] * width + dependent[known], width * height)
    group, value = pairs // width, pairs % width
    order = np.lexsort((counts, group))
    last = order[np.append(np.diff(group[order]) > 0, True)] if len(order) else order
    sizes, most, after, usual = (np.zeros(height, dtype=np.int64) for _ in range(4))
    np.add.at(sizes, group, counts)
    most[group[last]], usual[group[last]] = counts[last], value[last]
    others = np.ones(len(counts), dtype=bool)
    others[last] = False
    np.maximum.at(after, group[others], counts[others])
    return _Groups(sizes, most, after, usual)


def _count_codes(codes: Codes, limit: int) -> tuple[Codes, Codes]:
    """Return the different codes below `limit` in ascending order, and their counts."""
    if limit > MOST_COUNTERS:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes, minlength=limit)
    present = np.flatnonzero(counts)
    return present, counts[present]


def _rule(determinant: str, dependent: str, codes: Mapping[str, Codes], chance: float) -> Rule | None:
    given, values = codes[determinant], codes[dependent]
    groups = _group(given, values)
    if not groups.may_depend:
        return None
    # The last entry is for rows in which the determinant is missing, whose code is -1.
    usual = np.append(np.where(groups.is_clear, groups.usual, -1), -1)[given]
    votes = np.append(groups.most, 0)[given]
    broken = (usual >= 0) & (values >= 0) & (usual != values)
    return Rule(determinant, dependent, groups.rows, groups.agreement, chance, usual, votes, broken)
