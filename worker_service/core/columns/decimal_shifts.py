"""Numbers with a slipped decimal point or in another unit: ten, a hundred or a thousand times the others."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import Value, ordered, summarise_numbers
from worker_service.core.table.frame import Column

FACTORS = (10.0, 100.0, 1000.0)
FEWEST_SLIPS = 3
"""So few different values may agree by chance."""
MOST_SLIPS = 0.03
"""A larger share of the values is no slip but a second group."""
FEWEST_OTHERS = 30
FEWEST_HIDING = 5
"""Where small values, slipped, would lie among the others, it takes so many different ones that stand clear."""
_GAP = 1.5
_CLEAR = 2.0
_EXPLAINED = 0.8
_SPREAD = 0.5
_EXAMPLES = 3


class DecimalShift(Value):
    """Values between `lower` and `upper`, `factor` times as large as they should be."""

    factor: float
    lower: float
    upper: float
    count: int
    usual_lower: float
    """The smallest of the ordinary values."""
    usual_upper: float
    """The largest of them."""
    examples: tuple[float, ...]


def find_decimal_shifts(column: Column) -> tuple[DecimalShift, ...]:
    """The slips of a numeric column: values apart from all others, which one factor brings among them.

    They must be several, spread as the others are, and nearly all that lies far out on their side. Either the factor is
    so large that no slip could lie among the others, or those that stand clear of them lie around their middle.
    """
    fences = column.derive(summarise_numbers).iqr
    if not fences.far or fences.far_lower is None or fences.far_upper is None:
        return ()
    values = column.derive(ordered).astype(np.float64, copy=False)
    below, above = np.searchsorted(values, fences.far_lower), np.searchsorted(values, fences.far_upper, side="right")
    if below < above and values[below] < 0:
        return ()
    # A slipped zero is zero: how large the ordinary values are, the others tell.
    others = values[below:above][values[below:above] > 0]
    if len(others) < FEWEST_OTHERS or fences.far > MOST_SLIPS * len(values):
        return ()
    usual = (fences.far_lower, fences.far_upper)
    return tuple(_decimal_shifts(values[:below], values[above:], others, usual, whole=column.is_integer))


def _decimal_shifts(
    low: Numbers, high: Numbers, others: Numbers, usual: tuple[float, float], *, whole: bool
) -> Iterator[DecimalShift]:
    for apart, factors in ((low, [1 / factor for factor in FACTORS]), (high, list(FACTORS))):
        found = (_decimal_shift(apart, factor, others, usual, whole=whole) for factor in factors if len(apart))
        yield from [shift for shift in found if shift is not None][:1]


def _decimal_shift(
    apart: Numbers, factor: float, others: Numbers, usual: tuple[float, float], *, whole: bool
) -> DecimalShift | None:
    first, last = float(others[0]), float(others[-1])
    if whole and factor < 1:
        return None
    meant = divided(apart, factor)
    fitting = (meant >= usual[0]) & (meant <= usual[1])
    if whole:
        fitting &= apart % factor == 0
    slipped = apart[fitting]
    if len(np.unique(slipped)) < FEWEST_SLIPS or len(slipped) < _EXPLAINED * len(apart):
        return None
    q1, q3 = np.quantile(others, (0.25, 0.75))
    if np.ptp(meant[fitting]) < _SPREAD * (q3 - q1):
        return None
    apart_enough = max(factor, 1 / factor) * first > _GAP * last
    if not apart_enough and not _alike(slipped, meant[fitting], last, float(q1), float(q3)):
        return None
    return DecimalShift(
        factor=factor,
        lower=float(slipped[0]),
        upper=float(slipped[-1]),
        count=len(slipped),
        usual_lower=first,
        usual_upper=last,
        examples=tuple(slipped[:_EXAMPLES].tolist()),
    )


def _alike(slipped: Numbers, meant: Numbers, last: float, q1: float, q3: float) -> bool:
    """Whether slips stand clear of the others and mean the same on the whole, where some may hide among the others."""
    clear = float(slipped.min()) >= _CLEAR * last and len(np.unique(slipped)) >= FEWEST_HIDING
    return clear and q1 <= float(np.median(meant)) <= q3


def divided(values: Numbers, factor: float) -> Numbers:
    """The values divided by a factor, without the dust of binary fractions."""
    result: Numbers = np.round(values / factor if factor >= 1 else values * round(1 / factor), 9)
    return result


def restore_decimal_points(column: Column, decimal_shifts: tuple[DecimalShift, ...]) -> Column:
    """The column with its slips divided by their factor; the same column where it has none."""
    for shift in decimal_shifts:
        column = column.derive(rescaled, shift.factor, shift.lower, shift.upper)
    return column


def rescaled(column: Column, factor: float, lower: float, upper: float) -> Column:
    """A numeric column in which the values from `lower` to `upper` are divided by a factor."""
    values = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    with np.errstate(over="ignore"):
        meant = divided(values.astype(np.float64), factor)
    chosen = (values >= lower) & (values <= upper) & column.present() & np.isfinite(meant)
    if column.is_integer:
        chosen &= (meant == np.rint(meant)) & (np.abs(meant) < 2**53)
    values[chosen] = meant[chosen].astype(values.dtype)
    return Column(pa.array(values, column.type, mask=None if not column.missing else ~column.present()))
