"""How strongly columns go together, in a sample of the rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker_service.core.imputation.models import encode_feature
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

FEWEST_KNOWN = 60
"""With fewer known cells nothing is compared."""
_MOST_BINS = 12
_Rows = npt.NDArray[np.int64]
_Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows in which the column to benchmark is known."""

    base: Mapping[str, Column]
    rows: _Rows

    def codes(self, name: str) -> _Codes:
        """Return the level codes of a column; -1 for missing."""
        return self.base[name].derive(distinct).codes[self.rows]

    def numbers(self, name: str) -> Numbers:
        """Return a column as a feature."""
        return self.base[name].derive(encode_feature)[self.rows]

    def table(self, names: Sequence[str]) -> Numbers:
        """Return several columns as features, of shape (rows, columns)."""
        return np.stack([self.numbers(name) for name in names], axis=1)


def cramers_v(codes: _Codes, sample: Sample, name: str) -> float:
    """Return the bias-corrected Cramér's V of levels and a binned column: 0 for independent, 1 for determined.

    Source:
        Bergsma, W. (2013). A bias-correction for Cramér's V and Tschuprow's T.
    """
    bins = sample.base[name].derive(_bins)[sample.rows]
    width = int(bins.max(initial=0)) + 1
    counts = np.bincount(codes.astype(np.int64) * width + bins, minlength=(int(codes.max(initial=0)) + 1) * width)
    table = counts.reshape(-1, width).astype(np.float64)
    table = table[:, table.any(axis=0)][table.any(axis=1)]
    rows, (height, width) = len(codes), table.shape
    if min(height, width) < 2 or rows <= max(height, width):
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    phi = float(((table - expected) ** 2 / expected).sum()) / rows
    unbiased = max(0.0, phi - (height - 1) * (width - 1) / (rows - 1))
    corrected = [side - (side - 1) ** 2 / (rows - 1) for side in (height, width)]
    return float(np.sqrt(unbiased / (min(corrected) - 1)))


def correlation(truth: Numbers, sample: Sample, name: str) -> float:
    """Return Pearson's |r| of the truth and a column's numbers, or the correlation ratio ε of its groups."""
    if sample.base[name].is_text:
        return _correlation_ratio(truth, sample.codes(name) + 1)
    numbers = sample.numbers(name)
    known = ~np.isnan(numbers)
    if known.sum() < FEWEST_KNOWN / 2:
        return 0.0
    with np.errstate(all="ignore"):
        coefficient = abs(float(np.corrcoef(numbers[known], truth[known])[0, 1]))
    return coefficient if np.isfinite(coefficient) else 0.0


def _correlation_ratio(truth: Numbers, codes: _Codes) -> float:
    """Return how much of the spread lies between groups: 0 for as much as chance makes, 1 for all of it.

    Source:
        Kelley, T. L. (1935). An unbiased correlation ratio measure.
    """
    sizes = np.bincount(codes)
    groups, rows = int((sizes > 0).sum()), len(codes)
    within = truth - (np.bincount(codes, truth) / np.maximum(sizes, 1))[codes]
    spread = float(((truth - truth.mean()) ** 2).sum())
    if groups >= rows or not spread > 0 or not np.isfinite(spread):
        return 0.0
    unexplained = float((within**2).sum()) / spread * (rows - 1) / (rows - groups)
    return float(np.sqrt(max(0.0, 1 - unexplained)))


def _bins(column: Column) -> _Codes:
    """Return the frequent levels of text, or at most `_MOST_BINS` quantile bins of numbers; 0 for missing."""
    if column.is_text:
        levels = column.derive(distinct)
        ranks = np.empty(len(levels.values) + 1, np.int32)
        ranks[levels.by_frequency()] = np.arange(1, len(levels.values) + 1)
        ranks[-1] = 0
        return np.minimum(ranks, _MOST_BINS)[levels.codes]
    numbers = column.derive(encode_feature)
    if not column.known:
        return np.zeros(len(column), np.int32)
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _MOST_BINS + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers) + 1).astype(np.int32)
