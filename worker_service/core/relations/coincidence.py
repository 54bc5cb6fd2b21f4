"""How many pairs of equal rows chance makes."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from worker_service.core.relations.duplicates import fingerprints
from worker_service.core.table.frame import Column

SAMPLE_ROWS = 5_000
"""Chance is judged by the pairs that so many rows form."""
MOST_COLUMNS = 12
"""and by so many columns, those that tell rows apart best; more could only make chance smaller."""
ENOUGH_PAIRS = 100
"""Fewer pairs of rows that agree so far say nothing about the next column."""
_SEED = 20_240_105

Places = npt.NDArray[np.intp]


def pairs_by_chance(columns: Sequence[Column], rows: int) -> float:
    """The pairs of equal rows to expect, were the rows drawn independently; rather too many than too few.

    The probability that two rows agree is a product over the columns, each given the ones before. Columns depend on
    one another, so a factor is never smaller than what the columns before show, one by one and together. The
    column that tells most is left out: that it alone never repeats by chance is something no table can prove.
    """
    if len(columns) < 2:
        return _pairs(rows)
    chosen = np.arange(rows)
    if rows > SAMPLE_ROWS:
        chosen = np.sort(np.random.default_rng(_SEED).choice(rows, SAMPLE_ROWS, replace=False))
    codes = [np.unique(fingerprints(column)[chosen], return_inverse=True)[1] for column in columns]
    return _pairs(rows) * prod(_Agreement(codes, len(chosen)).factors()[:-1])


class _Agreement:
    """How often pairs of rows agree, in one column and in several; copies of whole rows are not counted."""

    def __init__(self, codes: Sequence[Places], rows: int) -> None:
        self._rows = rows
        self._copies = _agreeing(_joined(codes))
        alone = {place: _agreeing(column) for place, column in enumerate(codes)}
        order = sorted(alone, key=lambda place: alone[place])[:MOST_COLUMNS]
        self._codes: Mapping[int, Places] = {place: codes[place] for place in reversed(order)}

    def factors(self) -> list[float]:
        """The probability that two rows agree in a column, given those before; the least telling columns first."""
        factors: list[float] = []
        before: list[int] = []
        together: Places = np.zeros(self._rows, dtype=np.intp)
        for place, codes in self._codes.items():
            given = [self._given(self._codes[other], codes) for other in before]
            if self._chances(together) >= ENOUGH_PAIRS:
                given.append(self._given(together, codes))
            factors.append(min(1.0, max([self._alone(codes), *given])))
            together = _joined([together, codes])
            before.append(place)
        return factors

    def _alone(self, codes: Places) -> float:
        different = int(codes.max(initial=0)) + 1
        least = 1 / different if 2 * different <= self._rows else 0.0
        return max(least, (self._chances(codes) + 1) / max(1.0, _pairs(self._rows)))

    def _given(self, first: Places, second: Places) -> float:
        return (self._chances(_joined([first, second])) + 1) / (self._chances(first) + 1)

    def _chances(self, codes: Places) -> float:
        return max(0.0, _agreeing(codes) - self._copies)


def _joined(codes: Sequence[Places]) -> Places:
    """One code for each combination of codes."""
    joined = codes[0]
    for column in codes[1:]:
        joined = np.unique(joined * (int(column.max(initial=0)) + 1) + column, return_inverse=True)[1]
    return joined


def _agreeing(codes: Places) -> float:
    """Pairs of rows with the same code."""
    counts = np.bincount(codes).astype(np.float64)
    return float(np.dot(counts, counts - 1)) / 2


def _pairs(rows: int) -> float:
    return rows * (rows - 1) / 2
