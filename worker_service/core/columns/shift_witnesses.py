"""Evidence for a shifted decimal point from other columns, without which a far value may well be true."""

from collections.abc import Mapping

import numpy as np

from worker_service.core.columns.decimal_shifts import DecimalShift, divide_rounded
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column, Mask

FEWEST_ROWS = 30
"""The least number of rows that show how two columns belong together."""
MOST_ROWS = 20_000
MOST_COLUMNS = 15
TIGHT = 0.5
"""A ratio is a witness if its spread, in powers of ten, is at most this share of the shift's,"""
WIDEST = 0.6
"""and at most this, so that its usual range with the margins is no power of ten wide and shows which power is meant."""
TELLING = 0.7
"""A ratio says more than the column alone if its spread is at most this share of the column's own."""
_MARGIN = 0.25
"""The usual range of a ratio is widened by this share of its width."""
_EXACT = 1e-3
"""A sum is exact if it misses by at most this share of the usual size of the value."""
_QUANTILES = (0.01, 0.99)


def find_witness(shift: DecimalShift, column: Column, others: Mapping[str, Column]) -> str | None:
    """Return the name of a column that fits to the restored values and not to the written ones; None without one.

    The witness is a ratio to another column that is nearly constant, as between sister measures. Where the column is
    an exact sum of others, that alone decides.

    Args:
        shift: the values that may be shifted.
        column: the values as written.
        others: the other numeric columns, by name.
    """
    values = column.numbers()
    with np.errstate(invalid="ignore"):
        shifted = (values >= shift.lower) & (values <= shift.upper)
        ordinary = (values >= shift.usual_lower) & (values <= shift.usual_upper) & (values > 0) & ~shifted
    restored = np.where(shifted, divide_rounded(values, shift.factor), values)
    numbers = {name: other.numbers() for name, other in list(others.items())[:MOST_COLUMNS]}
    complete = {name: other for name, other in numbers.items() if not np.isnan(other).any()}
    if complete:
        by_sum = _fits_sum(values, restored, shifted, ordinary, np.stack(list(complete.values()), axis=1))
        if by_sum is not None:
            return " and ".join(complete) if by_sum else None
    low, high = np.quantile(np.log10(values[ordinary]), _QUANTILES) if ordinary.any() else (0.0, 0.0)
    widest = min(TIGHT * abs(float(np.log10(shift.factor))), WIDEST, TELLING * float(high - low))
    for name, other in numbers.items():
        with np.errstate(all="ignore"):
            before, after = np.log10(values / other), np.log10(restored / other)
        if _fits_ratio(before[ordinary], before[shifted], after[shifted], widest=widest):
            return name
    return None


def _fits_ratio(usual: Numbers, before: Numbers, after: Numbers, *, widest: float) -> bool:
    """Return True if the ratio to another column is usual in every shifted row once restored, and in none before.

    Args:
        usual: the logarithms of the ratio in the ordinary rows.
        before: those in the shifted rows, as written.
        after: those in the shifted rows, once restored.
        widest: the widest range of usual ratios that says something.
    """
    usual = usual[np.isfinite(usual)]
    if len(usual) < FEWEST_ROWS or not np.isfinite(after).all():
        return False
    low, high = np.quantile(usual, _QUANTILES)
    margin = _MARGIN * (high - low)
    if high - low > widest:
        return False
    is_usual_after = (after >= low - margin) & (after <= high + margin)
    is_usual_before = (before >= low - margin) & (before <= high + margin)
    return bool(is_usual_after.all() and not is_usual_before.any())


def _fits_sum(values: Numbers, restored: Numbers, shifted: Mask, ordinary: Mask, table: Numbers) -> bool | None:
    """Return True if an exact linear relation holds with the restored values only; None where there is none."""
    rows = np.flatnonzero(ordinary)[:MOST_ROWS]
    if len(rows) < max(FEWEST_ROWS, 3 * table.shape[1]):
        return None
    design = np.column_stack([table, np.ones(len(table))])
    with np.errstate(all="ignore"):
        weights, *_ = np.linalg.lstsq(design[rows], values[rows], rcond=None)
        predicted = design @ weights
        tolerance = _EXACT * float(np.median(np.abs(values[rows])))
        if not np.isfinite(predicted).all() or (np.abs(predicted[rows] - values[rows]) > tolerance).mean() > 1 - 0.99:
            return None
        fits_after = np.abs(predicted - restored)[shifted] <= tolerance
    return bool(fits_after.all())
