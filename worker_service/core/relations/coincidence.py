"""The number of pairs of equal rows to expect by chance."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from worker_service.core.relations.duplicates import fingerprints
from worker_service.core.table.frame import Column

SAMPLE_ROWS = 5_000
"""The probabilities are estimated from the pairs that so many rows form,"""
MOST_COLUMNS = 12
"""and from so many columns, those that distinguish rows best; more columns could only lower the estimate."""
ENOUGH_PAIRS = 100
"""With fewer pairs of rows that agree so far, the agreement in the next column is not estimated from them."""
_SEED = 20_240_105

Codes = npt.NDArray[np.intp]


def pairs_by_chance(columns: Sequence[Column], rows: int) -> float:
    """Return the expected number of pairs of equal rows if rows were independent, rather too high than too low.

    The probability that two rows agree is a product over the columns, each given the ones before. Because columns
    depend on one another, a factor is never smaller than its estimates given each earlier column and given all of
    them. The most distinguishing column is left out: no table can prove that its values never repeat by chance.

    Args:
        columns: columns of equal length.
        rows: the number of rows.
    """
    if len(columns) < 2:
        return _pairs(rows)
    sample = np.arange(rows)
    if rows > SAMPLE_ROWS:
        sample = np.sort(np.random.default_rng(_SEED).choice(rows, SAMPLE_ROWS, replace=False))
    codes = [np.unique(fingerprints(column)[sample], return_inverse=True)[1] for column in columns]
    return _pairs(rows) * prod(_Agreement(codes, len(sample)).factors()[:-1])


class _Agreement:
    """How often pairs of rows agree in one column and in several; copies of whole rows are not counted."""

    def __init__(self, codes: Sequence[Codes], rows: int) -> None:
        self._rows = rows
        self._copies = _agreeing_pairs(_joint_codes(codes))
        agreeing = {index: _agreeing_pairs(column) for index, column in enumerate(codes)}
        order = sorted(agreeing, key=lambda index: agreeing[index])[:MOST_COLUMNS]
        self._codes: Mapping[int, Codes] = {index: codes[index] for index in reversed(order)}

    def factors(self) -> list[float]:
        """Return the probability of agreement in each column given those before, the least distinguishing first."""
        factors: list[float] = []
        earlier: list[int] = []
        joint: Codes = np.zeros(self._rows, dtype=np.intp)
        for index, codes in self._codes.items():
            conditional = [self._conditional(self._codes[other], codes) for other in earlier]
            if self._pairs_beside_copies(joint) >= ENOUGH_PAIRS:
                conditional.append(self._conditional(joint, codes))
            factors.append(min(1.0, max([self._marginal(codes), *conditional])))
            joint = _joint_codes([joint, codes])
            earlier.append(index)
        return factors

    def _marginal(self, codes: Codes) -> float:
        """Return the probability that two rows agree in a column."""
        levels = int(codes.max(initial=0)) + 1
        least = 1 / levels if 2 * levels <= self._rows else 0.0
        return max(least, (self._pairs_beside_copies(codes) + 1) / max(1.0, _pairs(self._rows)))

    def _conditional(self, given: Codes, codes: Codes) -> float:
        """Return the probability that two rows agree in `codes` if they agree in `given`."""
        return (self._pairs_beside_copies(_joint_codes([given, codes])) + 1) / (self._pairs_beside_copies(given) + 1)

    def _pairs_beside_copies(self, codes: Codes) -> float:
        return max(0.0, _agreeing_pairs(codes) - self._copies)


def _joint_codes(codes: Sequence[Codes]) -> Codes:
    """Return one code for each combination of codes."""
    joint = codes[0]
    for column in codes[1:]:
        joint = np.unique(joint * (int(column.max(initial=0)) + 1) + column, return_inverse=True)[1]
    return joint


def _agreeing_pairs(codes: Codes) -> float:
    """Return the number of pairs of rows with the same code."""
    counts = np.bincount(codes).astype(np.float64)
    return float(np.dot(counts, counts - 1)) / 2


def _pairs(rows: int) -> float:
    return rows * (rows - 1) / 2
