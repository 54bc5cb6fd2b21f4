"""Numbers with a shifted decimal point or in another unit, so 10, 100 or 1000 times as large or small as meant."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import ordered, summarise_numbers
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

FACTORS = (10.0, 100.0, 1000.0)
FEWEST_SHIFTED = 3
"""Fewer different values may share a factor by chance."""
MOST_SHIFTED = 0.03
"""A larger share of the values is no error but a second group."""
FEWEST_OTHERS = 30
"""Fewer ordinary values do not show where a shifted value belongs."""
FEWEST_CLEAR = 5
"""If shifted small values could lie among the ordinary ones, this many different values must lie clearly apart."""
_GAP = 1.5
"""A factor is unmistakable if it makes the smallest ordinary value this many times as large as the largest one."""
_CLEAR = 2.0
"""A value lies clearly apart if it is this many times the largest ordinary one."""
_EXPLAINED_SHARE = 0.8
"""A factor must explain at least this share of the values that are far out on a side."""
_SMALLEST_SPREAD = 0.5
"""The restored values must spread over this many interquartile ranges of the others."""
_EXAMPLES = 3


class DecimalShift(Value):
    """Values from `lower` to `upper` that are `factor` times as large as they should be."""

    factor: float
    lower: float
    upper: float
    count: int
    usual_lower: float
    """The smallest ordinary value."""
    usual_upper: float
    """The largest ordinary value."""
    examples: tuple[float, ...]


class WitnessedShift(DecimalShift):
    """A decimal shift that another column shows."""

    witness: str
    """The column that fits to the restored values and not to the written ones, or the columns of a sum."""


def find_decimal_shifts(column: Column) -> tuple[DecimalShift, ...]:
    """Return the decimal shifts of a numeric column: far values that one factor brings back among the others.

    There must be several such values, spread like the others, and they must be nearly all that is far out on their
    side. Either the factor is so large that no shifted value could lie among the others, or the shifted values lie
    clearly apart and, once restored, around the middle of the others.
    """
    fences = column.derive(summarise_numbers).iqr
    if not fences.far or fences.far_lower is None or fences.far_upper is None:
        return ()
    values = column.derive(ordered).astype(np.float64, copy=False)
    below, above = np.searchsorted(values, fences.far_lower), np.searchsorted(values, fences.far_upper, side="right")
    if below < above and values[below] < 0:
        return ()
    # A shifted zero is still zero, so zeros say nothing about the size of the ordinary values.
    others = values[below:above][values[below:above] > 0]
    if len(others) < FEWEST_OTHERS or fences.far > MOST_SHIFTED * len(values):
        return ()
    usual = (fences.far_lower, fences.far_upper)
    return tuple(_find_on_both_sides(values[:below], values[above:], others, usual, whole=column.is_integer))


def _find_on_both_sides(
    low: Numbers, high: Numbers, others: Numbers, usual: tuple[float, float], *, whole: bool
) -> Iterator[DecimalShift]:
    for far_values, factors in ((low, [1 / factor for factor in FACTORS]), (high, list(FACTORS))):
        shifts = (_find_shift(far_values, factor, others, usual, whole=whole) for factor in factors if len(far_values))
        yield from [shift for shift in shifts if shift is not None][:1]


def _find_shift(
    far_values: Numbers, factor: float, others: Numbers, usual: tuple[float, float], *, whole: bool
) -> DecimalShift | None:
    first, last = float(others[0]), float(others[-1])
    if (whole and factor < 1) or first == last:
        return None
    restored = divide_rounded(far_values, factor)
    is_shifted = (restored >= usual[0]) & (restored <= usual[1])
    if whole:
        is_shifted &= far_values % factor == 0
    shifted = far_values[is_shifted]
    if len(np.unique(shifted)) < FEWEST_SHIFTED or len(shifted) < _EXPLAINED_SHARE * len(far_values):
        return None
    q1, q3 = np.quantile(others, (0.25, 0.75))
    if np.ptp(restored[is_shifted]) < _SMALLEST_SPREAD * (q3 - q1):
        return None
    is_unmistakable = max(factor, 1 / factor) * first > _GAP * last
    if not is_unmistakable and not _is_apart(shifted, restored[is_shifted], last, float(q1), float(q3)):
        return None
    return DecimalShift(
        factor=factor,
        lower=float(shifted[0]),
        upper=float(shifted[-1]),
        count=len(shifted),
        usual_lower=first,
        usual_upper=last,
        examples=tuple(shifted[:_EXAMPLES].tolist()),
    )


def _is_apart(shifted: Numbers, restored: Numbers, last: float, q1: float, q3: float) -> bool:
    """Return True if the shifted values lie clearly apart and, once restored, around the middle of the others."""
    is_clear = float(shifted.min()) >= _CLEAR * last and len(np.unique(shifted)) >= FEWEST_CLEAR
    return is_clear and q1 <= float(np.median(restored)) <= q3


def divide_rounded(values: Numbers, factor: float) -> Numbers:
    """Return the values divided by a factor, rounded to hide the errors of binary fractions."""
    result: Numbers = np.round(values / factor if factor >= 1 else values * round(1 / factor), 9)
    return result


def restore_decimal_points(column: Column, decimal_shifts: Sequence[DecimalShift]) -> Column:
    """Return the column with its shifted values divided by their factor; the same column if there are none."""
    for shift in decimal_shifts:
        column = column.derive(rescale_values, shift.factor, shift.lower, shift.upper)
    return column


def rescale_values(column: Column, factor: float, lower: float, upper: float) -> Column:
    """Return a numeric column with the values from `lower` to `upper` divided by a factor where that is possible."""
    values = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    with np.errstate(over="ignore"):
        restored = divide_rounded(values.astype(np.float64), factor)
    is_changed = (values >= lower) & (values <= upper) & column.present() & np.isfinite(restored)
    if column.is_integer:
        is_changed &= (restored == np.rint(restored)) & (np.abs(restored) < 2**53)
    values[is_changed] = restored[is_changed].astype(values.dtype)
    return Column(pa.array(values, column.type, mask=None if not column.missing else ~column.present()))
