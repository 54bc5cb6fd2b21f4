"""Pairwise correlation of the numeric columns of a table."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from worker_service.core.table.frame import Column
from worker_service.core.value import Value

MOST_ROWS = 20_000
"""A longer table is sampled: every n-th row, so that at most this many remain."""
_FEWEST_PAIRS = 3
FAMILY_WISE_ERROR = 0.001
"""The probability that any of the correlations of a table without one counts as significant (Bonferroni)."""


class Correlation(Value):
    """Pearson's correlation coefficients of all pairs of columns, over the rows where both have a value."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    """None where undefined: fewer than 3 common rows, or a column without variance."""
    sampled_rows: int
    """The number of rows used; evenly spaced ones where the table has more than 20,000."""

    def is_significant(self, coefficient: float) -> bool:
        """Return True if chance makes no such coefficient in any of all pairs of columns of so many rows."""
        pairs, freedom = len(self.columns) * (len(self.columns) - 1) / 2, self.sampled_rows - 2
        if freedom < 1:
            return False
        strength = min(abs(coefficient), 1 - 1e-12)
        t = strength * np.sqrt(freedom / (1 - strength**2))
        return bool(2 * stats.t.sf(t, freedom) * pairs <= FAMILY_WISE_ERROR)


def correlate(columns: Mapping[str, Column]) -> Correlation | None:
    """Return Pearson's coefficients of numeric columns of equal length; None for fewer than two columns."""
    if len(columns) < 2:
        return None
    rows = len(next(iter(columns.values())))
    step = max(1, -(-rows // MOST_ROWS))
    sample = pa.array(np.arange(0, rows, step))
    table = np.stack([Column(column.array.take(sample)).numbers() for column in columns.values()], axis=1)
    matrix = coefficients(table)
    cells = tuple(tuple(None if np.isnan(cell) else round(float(cell), 6) for cell in row) for row in matrix)
    return Correlation(columns=tuple(columns), matrix=cells, sampled_rows=len(table))


def coefficients(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return Pearson's coefficients of all pairs of columns, over the rows where neither is NaN.

    Args:
        table: the values, in the shape (rows, columns).

    Returns:
        A symmetric matrix in the shape (columns, columns); NaN where a coefficient is undefined.
    """
    with np.errstate(all="ignore"):
        return _correlate_pairs(_standardise(table))


def _standardise(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Values near the largest double would overflow when squared, so each column is divided by its largest value.
    has_value = ~np.isnan(table)
    largest = np.max(np.abs(table), axis=0, initial=0.0, where=has_value)
    scaled = table / np.where(largest > 0, largest, 1.0)
    counts = np.maximum(has_value.sum(axis=0), 1)
    centred = scaled - np.where(has_value, scaled, 0.0).sum(axis=0) / counts
    spread = np.sqrt(np.where(has_value, centred**2, 0.0).sum(axis=0) / counts)
    result: npt.NDArray[np.float64] = centred / np.where(spread > 1e-12, spread, np.nan)
    return result


def _correlate_pairs(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    has_value = ~np.isnan(table)
    weights = has_value.astype(np.float64)
    values = np.where(has_value, table, 0.0)
    common_rows = weights.T @ weights
    total, square, product = values.T @ weights, (values**2).T @ weights, values.T @ values
    covariance = product - total * total.T / common_rows
    variance = square - total**2 / common_rows
    matrix = np.clip(covariance / np.sqrt(variance * variance.T), -1.0, 1.0)
    matrix[(common_rows < _FEWEST_PAIRS) | (variance < 1e-9) | (variance.T < 1e-9)] = np.nan
    result: npt.NDArray[np.float64] = matrix
    return result
