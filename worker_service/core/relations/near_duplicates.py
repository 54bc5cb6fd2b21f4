"""Pairs of rows that are the same but for their identifiers or for the spelling of one or two cells."""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.relations.coincidence import Places, pairs_by_chance
from worker_service.core.relations.dependencies import is_typo
from worker_service.core.relations.duplicates import differs, fingerprints
from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

MOST_PAIRS = 20_000
"""Where more rows agree in half of the columns, that half does not tell rows apart."""
MOST_DIFFERENT = 2
MOST_GROUPS = 10
MOST_EXAMPLES = 5
BEYOND_CHANCE = 10
"""Pairs are told where there are more than so many times those that chance would explain."""
FEWEST_COLUMNS = 3
"""Columns that must agree."""
_MIX, _SPREAD = np.uint64(0xBF58476D1CE4E5B9), 0x9E3779B97F4A7C15


class NearDuplicates(Value):
    """Rows that differ from an earlier one in these columns only, in spelling; in identifiers where there are none."""

    columns: tuple[str, ...]
    rows: int
    examples: tuple[tuple[int, int], ...]
    """The row and the other one, counting from 1."""


def find_near_duplicates(columns: Mapping[str, Column], identifiers: Set[str]) -> tuple[NearDuplicates, ...]:
    """Find them among columns of equal length by the half of the columns in which they agree entirely."""
    telling = {name: column for name, column in columns.items() if name not in identifiers}
    if len(telling) < FEWEST_COLUMNS:
        return ()
    pairs = _candidates(list(telling.values()))
    different = {name: differs(column, pairs) for name, column in telling.items()}
    amount = np.sum(list(different.values()), axis=0)
    same = amount == 0
    named = np.any(
        [differs(columns[name], pairs) for name in sorted(identifiers)] or [np.zeros(len(same), bool)], axis=0
    )
    found = [_judged(telling, (), pairs[same & named], 0)]
    pairs, amount = pairs[(amount > 0) & (amount <= MOST_DIFFERENT)], amount[(amount > 0) & (amount <= MOST_DIFFERENT)]
    for names in list(_combinations(telling, pairs))[:MOST_GROUPS]:
        chosen = np.all([differs(telling[name], pairs) for name in names], axis=0) & (amount == len(names))
        near = np.all([_near(telling[name], pairs[chosen]) for name in names], axis=0)
        found.append(_judged(telling, names, pairs[chosen][near], int((~near).sum())))
    return tuple(one for one in found if one is not None)


def _candidates(columns: Sequence[Column]) -> npt.NDArray[np.intp]:
    """Pairs of rows, the earlier first, that agree in one half of the columns and follow one another in that."""
    order = sorted(range(len(columns)), key=lambda place: len(columns[place].derive(distinct).counts))
    found = [_neighbours(_hashed([columns[place] for place in order[start::2]])) for start in (0, 1)]
    return np.unique(np.concatenate(found), axis=0)


def _hashed(columns: Sequence[Column]) -> npt.NDArray[np.uint64]:
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for place, column in enumerate(columns, start=1):
        cells = (fingerprints(column) ^ np.uint64(place * _SPREAD % 2**64)) * _MIX
        mixed ^= (cells ^ (cells >> np.uint64(31))) * _MIX
    return mixed


def _neighbours(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    order = np.argsort(hashes, kind="stable")
    places = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if len(places) > MOST_PAIRS:
        return np.zeros((0, 2), dtype=np.intp)
    return np.stack([order[places], order[places + 1]], axis=1)


def _combinations(columns: Mapping[str, Column], pairs: npt.NDArray[np.intp]) -> Iterator[tuple[str, ...]]:
    """The sets of columns of text in which pairs differ, the most frequent first."""
    names = list(columns)
    rows = np.stack([differs(column, pairs) for column in columns.values()], axis=1)
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    for kind in kinds[np.argsort(-counts, kind="stable")]:
        chosen = tuple(names[place] for place in np.flatnonzero(kind))
        if all(columns[name].is_text for name in chosen):
            yield chosen


def _near(column: Column, pairs: npt.NDArray[np.intp]) -> Mask:
    levels = column.derive(distinct)
    known = (levels.codes[pairs] >= 0).all(axis=1)
    left, right = (levels.values.take(pa.array(levels.codes[side[known]])).to_pylist() for side in pairs.T)
    near = np.zeros(len(pairs), dtype=bool)
    near[known] = [is_typo(one, other) for one, other in zip(left, right, strict=True)]
    return near


def _judged(
    columns: Mapping[str, Column], names: tuple[str, ...], pairs: npt.NDArray[np.intp], others: int
) -> NearDuplicates | None:
    """None where chance could explain the pairs, or as many `others` differ there in more than spelling."""
    later: Places = np.unique(pairs[:, 1])
    rest = [column for name, column in columns.items() if name not in names]
    if len(later) <= others or len(rest) < FEWEST_COLUMNS:
        return None
    if len(later) <= BEYOND_CHANCE * pairs_by_chance(rest, len(rest[0])):
        return None
    examples = tuple((int(other) + 1, int(one) + 1) for one, other in pairs[:MOST_EXAMPLES])
    return NearDuplicates(columns=names, rows=len(later), examples=examples)
