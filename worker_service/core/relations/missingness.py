"""Columns whose missing values depend on other columns, or are refusals to answer."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from worker_service.core.parsing.missing import REFUSALS
from worker_service.core.parsing.spec import AnyReadAs
from worker_service.core.stats.correlation import coefficients
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask
from worker_service.core.value import Value

MOST_ROWS = 5000
FEWEST_CELLS = 10
"""The least number of missing, and of known, cells for a comparison."""
SMALLEST_EFFECT = 0.1
"""A correlation (or Cramér's V) below this is ignored."""
FAMILY_WISE_ERROR = 0.001
"""The probability of any false association in a table that has none (Bonferroni)."""
MOST_CLASSES = 20


class Missingness(Value):
    """A column whose missing values are not spread evenly over the rows."""

    column: str
    refusals: tuple[str, ...]
    """The words in its cells that mean a refusal to answer."""
    depends_on: str | None
    """The column that differs most where this one is missing; the target where one is known."""
    strength: float
    """Correlation, or Cramér's V where `depends_on` holds classes."""
    level: str | None
    """The class of `depends_on` whose share differs most; None where it holds quantities."""
    where_missing: float
    """The mean of `depends_on`, or the share of `level`, in the rows where the column is missing."""
    where_known: float
    """The same in the other rows."""


class Described(Protocol):
    """The facts about a column that are read here."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...

    @property
    def read_as(self) -> AnyReadAs | None:
        """The way the decoded text is read."""
        ...


def find_missingness(
    columns: Sequence[Described], values: Mapping[str, Column], target: str | None
) -> tuple[Missingness, ...]:
    """Return the columns whose missing cells depend on the target, or on another column, or are refusals.

    Args:
        columns: the facts about the columns.
        values: the values of each column, by name.
        target: the column to compare with; without one, each column is compared with the numeric column whose
            correlation with its gaps is the strongest.
    """
    gaps = [column for column in columns if column.name != target and _comparable(values[column.name])]
    if not gaps:
        return ()
    rows = len(values[gaps[0].name])
    sample = pa.array(np.arange(0, rows, max(1, -(-rows // MOST_ROWS))))
    missing = {column.name: ~Column(values[column.name].array.take(sample)).present() for column in gaps}
    others = [target] if target is not None else [c.name for c in columns if c.type in ("integer", "decimal")]
    sampled = {name: Column(values[name].array.take(sample)) for name in others}
    closest = dict.fromkeys(missing, target) if target is not None else _most_correlated(missing, sampled)
    level = FAMILY_WISE_ERROR / max(1, len(gaps) * len(others))
    results = (_examine(column, missing[column.name], closest[column.name], sampled, level) for column in gaps)
    return tuple(result for result in results if result is not None)


def _most_correlated(missing: Mapping[str, Mask], others: Mapping[str, Column]) -> dict[str, str | None]:
    """Return for each column with gaps the other column that correlates most with the gaps."""
    if not others:
        return dict.fromkeys(missing)
    gaps = np.stack([mask.astype(np.float64) for mask in missing.values()], axis=1)
    numbers = np.stack([column.numbers() for column in others.values()], axis=1)
    between = np.abs(coefficients(np.hstack([gaps, numbers]))[: len(missing), len(missing) :])
    between[np.isnan(between)] = 0.0
    names = list(others)
    return {name: names[int(row.argmax())] for name, row in zip(missing, between, strict=True)}


def _comparable(column: Column) -> bool:
    return min(column.missing, column.known) >= FEWEST_CELLS


def _examine(
    column: Described, missing: Mask, closest: str | None, others: Mapping[str, Column], level: float
) -> Missingness | None:
    words = () if column.read_as is None else column.read_as.missing
    refusals = tuple(word for word in words if word.strip().lower() in REFUSALS)
    association = None if closest is None else _compare(column.name, missing, closest, others[closest], level)
    if association is None and refusals:
        association = _missingness(column.name, None, 0.0, None, 0.0, 0.0)
    return None if association is None else association.model_copy(update={"refusals": refusals})


def _compare(column: str, missing: Mask, name: str, other: Column, level: float) -> Missingness | None:
    if name == column or (other.is_timestamp or other.known < 2 * FEWEST_CELLS):
        return None
    known = other.present()
    gaps = missing[known]
    if min(gaps.sum(), (~gaps).sum()) < FEWEST_CELLS:
        return None
    codes = other.derive(distinct).codes[known]
    if other.is_number and codes.max(initial=0) >= MOST_CLASSES:
        return _compare_means(column, gaps, name, other.numbers()[known], level)
    if codes.max(initial=0) >= MOST_CLASSES:
        return None
    return _compare_shares(column, gaps, name, other, codes, level)


def _compare_means(column: str, gaps: Mask, name: str, numbers: Numbers, level: float) -> Missingness | None:
    with np.errstate(all="ignore"):
        strength = abs(float(np.corrcoef(gaps, numbers)[0, 1]))
        # The test takes much longer than what mostly decides.
        if not strength >= SMALLEST_EFFECT or not float(stats.pointbiserialr(gaps, numbers).pvalue) <= level:
            return None
    return _missingness(column, name, strength, None, float(numbers[gaps].mean()), float(numbers[~gaps].mean()))


def _compare_shares(
    column: str, gaps: Mask, name: str, other: Column, codes: npt.NDArray[np.int32], level: float
) -> Missingness | None:
    table = np.stack([np.bincount(codes[part], minlength=codes.max() + 1) for part in (gaps, ~gaps)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return None
    test = stats.chi2_contingency(table, correction=False)
    strength = float(np.sqrt(test.statistic / table.sum()))
    if strength < SMALLEST_EFFECT or float(test.pvalue) > level:
        return None
    shares = table / table.sum(axis=1, keepdims=True)
    index = int(np.abs(shares[0] - shares[1]).argmax())
    present = np.flatnonzero(np.bincount(codes) > 0)
    word = render(other.derive(distinct).values)[int(present[index])].as_py()
    return _missingness(column, name, strength, word, float(shares[0, index]), float(shares[1, index]))


def _missingness(
    column: str, other: str | None, strength: float, level: str | None, where_missing: float, where_known: float
) -> Missingness:
    return Missingness(
        column=column,
        refusals=(),
        depends_on=other,
        strength=round(strength, 4),
        level=level,
        where_missing=where_missing,
        where_known=where_known,
    )
