"""Pairs of rows that differ only in their identifiers or in the spelling of one or two cells."""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.relations.coincidence import pairs_by_chance
from worker_service.core.relations.corrections import is_typo
from worker_service.core.relations.duplicates import differs, fingerprints
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask
from worker_service.core.value import Value

MOST_PAIRS = 20_000
"""Where more pairs agree in half of the columns, that half does not distinguish rows."""
MOST_DIFFERENT = 2
MOST_GROUPS = 10
MOST_EXAMPLES = 5
BEYOND_CHANCE = 10
"""Pairs are reported where there are more than so many times the number to expect by chance."""
FEWEST_COLUMNS = 3
"""The least number of columns that must agree."""
_MULTIPLIER, _INDEX_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9), 0x9E3779B97F4A7C15


class NearDuplicates(Value):
    """Rows that differ from an earlier one only in the spelling of these columns; in identifiers if there are none."""

    columns: tuple[str, ...]
    rows: int
    examples: tuple[tuple[int, int], ...]
    """The later and the earlier row of each pair, counting from 1."""


def find_near_duplicates(
    columns: Mapping[str, Column], identifiers: Set[str], contacts: Set[str] = frozenset()
) -> tuple[NearDuplicates, ...]:
    """Find the rows that nearly equal an earlier one, among those that agree in one half of the columns.

    Args:
        columns: columns of equal length, by name.
        identifiers: the names of the columns whose differences do not count.
        contacts: the names of the columns of e-mail addresses or telephone numbers, which nobody shares by chance.
    """
    compared = {name: column for name, column in columns.items() if name not in identifiers}
    if len(compared) < FEWEST_COLUMNS:
        return ()
    pairs = _candidate_pairs(list(compared.values()))
    masks = {name: differs(column, pairs) for name, column in compared.items()}
    differences = np.sum(list(masks.values()), axis=0)
    same = differences == 0
    other_identifier = np.any(
        [differs(columns[name], pairs) for name in sorted(identifiers)] or [np.zeros(len(same), bool)], axis=0
    )
    groups = [_group(compared, (), pairs[same & other_identifier], 0, contacts)]
    few = (differences > 0) & (differences <= MOST_DIFFERENT)
    pairs, differences = pairs[few], differences[few]
    for names in list(_differing_columns(compared, pairs))[:MOST_GROUPS]:
        chosen = np.all([differs(compared[name], pairs) for name in names], axis=0) & (differences == len(names))
        similar = np.all([_similar_cells(compared[name], pairs[chosen]) for name in names], axis=0)
        groups.append(_group(compared, names, pairs[chosen][similar], int((~similar).sum()), contacts))
    return tuple(group for group in groups if group is not None)


def _candidate_pairs(columns: Sequence[Column]) -> npt.NDArray[np.intp]:
    """Return pairs of rows, the earlier first, that agree in one half of the columns and are adjacent among those."""
    order = sorted(range(len(columns)), key=lambda index: len(columns[index].derive(distinct).counts))
    halves = [_adjacent_pairs(_row_hashes([columns[index] for index in order[start::2]])) for start in (0, 1)]
    return np.unique(np.concatenate(halves), axis=0)


def _row_hashes(columns: Sequence[Column]) -> npt.NDArray[np.uint64]:
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for index, column in enumerate(columns, start=1):
        cells = (fingerprints(column) ^ np.uint64(index * _INDEX_MULTIPLIER % 2**64)) * _MULTIPLIER
        hashes ^= (cells ^ (cells >> np.uint64(31))) * _MULTIPLIER
    return hashes


def _adjacent_pairs(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Return the pairs of successive rows with equal hashes, of shape (pairs, 2); none where they are too many."""
    order = np.argsort(hashes, kind="stable")
    positions = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if len(positions) > MOST_PAIRS:
        return np.zeros((0, 2), dtype=np.intp)
    return np.stack([order[positions], order[positions + 1]], axis=1)


def _differing_columns(columns: Mapping[str, Column], pairs: npt.NDArray[np.intp]) -> Iterator[tuple[str, ...]]:
    """Yield the sets of text columns in which pairs differ, the most frequent first."""
    names = list(columns)
    rows = np.stack([differs(column, pairs) for column in columns.values()], axis=1)
    patterns, counts = np.unique(rows, axis=0, return_counts=True)
    for pattern in patterns[np.argsort(-counts, kind="stable")]:
        chosen = tuple(names[index] for index in np.flatnonzero(pattern))
        if all(columns[name].is_text for name in chosen):
            yield chosen


def _similar_cells(column: Column, pairs: npt.NDArray[np.intp]) -> Mask:
    """Return the mask of the pairs whose cells differ only by a typo."""
    levels = column.derive(distinct)
    known = (levels.codes[pairs] >= 0).all(axis=1)
    earlier, later = (levels.values.take(pa.array(levels.codes[side[known]])).to_pylist() for side in pairs.T)
    similar = np.zeros(len(pairs), dtype=bool)
    similar[known] = [is_typo(left, right) for left, right in zip(earlier, later, strict=True)]
    return similar


def _group(
    columns: Mapping[str, Column],
    names: tuple[str, ...],
    pairs: npt.NDArray[np.intp],
    others: int,
    contacts: Set[str],
) -> NearDuplicates | None:
    """Return None if chance could explain the pairs, or as many `others` differ there in more than spelling."""
    later: npt.NDArray[np.intp] = np.unique(pairs[:, 1])
    equal = [column for name, column in columns.items() if name not in names]
    if len(later) <= others or len(equal) < FEWEST_COLUMNS:
        return None
    is_known_person = not contacts.isdisjoint(set(columns) - set(names))
    by_chance = 0.0 if is_known_person else pairs_by_chance(equal, len(equal[0]))
    if not len(later) or len(later) <= BEYOND_CHANCE * by_chance:
        return None
    examples = tuple((int(after) + 1, int(before) + 1) for before, after in pairs[:MOST_EXAMPLES])
    return NearDuplicates(columns=names, rows=len(later), examples=examples)
