"""How strongly the numeric columns of a table go together."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.stats.summary import Value
from worker_service.core.table.frame import Column

MOST_ROWS = 20_000
_FEWEST_PAIRS = 3


class Correlation(Value):
    """Pearson's coefficients of all pairs of columns, over the rows where both have a value."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    """None where undefined: fewer than 3 common rows, or a column that does not vary."""
    sampled_rows: int
    """How many rows were looked at; evenly spaced where the table has more than 20,000."""


def correlate(columns: Mapping[str, Column]) -> Correlation | None:
    """Pearson's coefficients of at least two numeric columns of equal length, else None."""
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
    """Pearson's coefficients of all pairs of columns, over the rows where neither is NaN; NaN where undefined."""
    with np.errstate(all="ignore"):
        return _pairwise(_standardised(table))


def _standardised(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Values near the largest double would overflow when squared, so each column is brought to a common scale first.
    known = ~np.isnan(table)
    largest = np.max(np.abs(table), axis=0, initial=0.0, where=known)
    scaled = table / np.where(largest > 0, largest, 1.0)
    counts = np.maximum(known.sum(axis=0), 1)
    centred = scaled - np.where(known, scaled, 0.0).sum(axis=0) / counts
    spread = np.sqrt(np.where(known, centred**2, 0.0).sum(axis=0) / counts)
    result: npt.NDArray[np.float64] = centred / np.where(spread > 1e-12, spread, np.nan)
    return result


def _pairwise(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(table)
    present = known.astype(np.float64)
    values = np.where(known, table, 0.0)
    pairs = present.T @ present
    total, square, product = values.T @ present, (values**2).T @ present, values.T @ values
    covariance = product - total * total.T / pairs
    variance = square - total**2 / pairs
    matrix = np.clip(covariance / np.sqrt(variance * variance.T), -1.0, 1.0)
    matrix[(pairs < _FEWEST_PAIRS) | (variance < 1e-9) | (variance.T < 1e-9)] = np.nan
    result: npt.NDArray[np.float64] = matrix
    return result
