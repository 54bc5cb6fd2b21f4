"""Sums and products among columns of numbers, and the cells that break them.

In a row that breaks a formula any of its cells may be wrong. A cell is, if it alone explains every formula that the row
breaks and breaks none of those that it keeps, and if it is a typing error or several formulas say so.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from worker_service.core.humanize import number, quoted
from worker_service.core.relations.formula_cells import FormulaParts, Operation, breaks, residuals, tolerance
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Column, Mask
from worker_service.core.value import Value

MOST_COLUMNS = 20
"""At most so many columns are combined, the first ones."""
FEWEST_ROWS, FEWEST_VALUES = 30, 10
LARGEST = 1e12
"""Larger numbers are not exact enough to be multiplied."""
LEAST_HOLDING = 0.8
"""The least share of the rows in which a formula holds."""
SCREEN_ROWS, SCREEN_SHARE, FEWEST_SCREENED = 40, 0.6, 15
"""Combinations that hold in a smaller share of so many rows are not looked at any further."""
LEAST_USED = 0.5
"""At least in this share of the rows no operand is zero, or a product's factor one."""
LONGEST_SUM = 12
"""Sums of more than two columns are looked for among so many neighbouring ones."""
LEAST_RESULT = 20
"""A row is counted if the result is at least so many units of its last decimal."""
FEWEST_SYSTEMATIC = 4
MOST_BROKEN = 5_000
"""In more rows it takes too long to look for the wrong cell of each."""
MOST_EQUAL = 0.5
"""If so many rows break a formula and a larger share of their differences is the same, the difference has a meaning."""
TYPICAL = (0.05, 0.95)
"""Quantiles between which the numbers of a column lie that errors have not moved."""
_SEED = 20_240_105


class Formula(Value):
    """A column that is the sum or the product of others."""

    result: str
    operation: Operation
    operands: tuple[str, ...]
    factor: float = 1.0
    """What the product is multiplied by."""
    decimals: int
    """The decimals that the result is rounded to."""
    is_exact: bool = True
    """False if many rows that break it are off by the same amount, as by a fee; then nothing is corrected."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The result and the operands."""
        return (self.result, *self.operands)

    @property
    def parts(self) -> FormulaParts:
        """The formula as the arithmetic takes it."""
        return FormulaParts(
            result=self.result,
            operation=self.operation,
            operands=self.operands,
            factor=self.factor,
            decimals=self.decimals,
            is_exact=self.is_exact,
        )


class FormulaFacts(Value):
    """A formula and how many rows it holds in."""

    formula: Formula
    rows: int
    """The rows in which all of its columns are known and the result is large enough to be no coincidence."""
    broken: int
    """Those of them in which it does not hold."""


def describe_formula(formula: Formula) -> str:
    """Return a formula as people write it."""
    sign = " + " if formula.operation == "sum" else " × "
    factor = [] if formula.factor == 1 else [number(formula.factor)]
    return f"{quoted(formula.result)} = {sign.join([*factor, *map(quoted, formula.operands)])}"


def find_formulas(columns: Mapping[str, Column], decimals: Mapping[str, int]) -> tuple[FormulaFacts, ...]:
    """Return the formulas that hold in nearly all rows.

    Args:
        columns: columns of numbers, by name.
        decimals: the decimals of each column.
    """
    is_small = {
        name: column for name, column in columns.items() if np.nanmax(np.abs(column.numbers()), initial=0) < LARGEST
    }
    names = [name for name in is_small if name in decimals][:MOST_COLUMNS]
    if len(names) < 2:
        return ()
    matrix = np.column_stack([columns[name].numbers() for name in names])
    known = np.flatnonzero(np.isfinite(matrix).all(axis=1))
    if len(known) < FEWEST_ROWS:
        return ()
    screen = matrix[np.random.default_rng(_SEED).permutation(known)[:SCREEN_ROWS]]
    facts = []
    for result in range(len(names)):
        if len(np.unique(screen[:, result])) < FEWEST_VALUES:
            continue
        for formula in _candidates(screen, result, names, decimals[names[result]]):
            fact = _count(formula, columns)
            if fact.broken <= (1 - LEAST_HOLDING) * fact.rows and fact.rows >= FEWEST_ROWS:
                facts.append(fact)
    return tuple(_without_repetitions(facts))


def _candidates(screen: Numbers, result: int, names: Sequence[str], decimals: int) -> Iterator[Formula]:
    """Yield the formulas of a result that hold in most rows of a small sample."""
    is_judged = np.abs(screen[:, result]) >= LEAST_RESULT * 10.0**-decimals
    screen = screen[is_judged]
    if len(screen) < FEWEST_SCREENED:
        return
    values = screen[:, result, None, None]
    allowed = tolerance(decimals, values)
    left, right = screen[:, :, None], screen[:, None, :]
    is_used = ((screen != 0).mean(axis=0) >= LEAST_USED) & (np.arange(len(names)) != result)
    is_factor = is_used & ((np.abs(screen) != 1).mean(axis=0) >= LEAST_USED)
    combinations: tuple[tuple[Operation, Numbers, Mask], ...] = (
        ("sum", left + right, is_used),
        ("product", left * right, is_factor),
    )
    for operation, combined, usable in combinations:
        holds = (np.abs(combined - values) <= allowed).mean(axis=0) >= SCREEN_SHARE
        for first, second in np.argwhere(np.triu(holds & np.outer(usable, usable), k=1)).tolist():
            operands = (names[first], names[second])
            yield Formula(result=names[result], operation=operation, operands=operands, decimals=decimals)
    yield from _multiples(screen, result, names, decimals)
    yield from _long_sums(screen, result, names, decimals)


def _multiples(screen: Numbers, result: int, names: Sequence[str], decimals: int) -> Iterator[Formula]:
    """Yield the columns that the result is a round multiple of, as of a rate in percent."""
    values = screen[:, result, None]
    quotients = np.divide(values, screen, out=np.zeros_like(screen), where=screen != 0)
    factors = np.array([float(f"{factor:.2g}") for factor in np.median(quotients, axis=0)])
    holds = (np.abs(factors * screen - values) <= tolerance(decimals, values)).mean(axis=0) >= SCREEN_SHARE
    varied = np.array([len(np.unique(column)) >= FEWEST_VALUES for column in screen.T])
    for other in np.flatnonzero(holds & varied & (factors != 0) & (factors != 1)).tolist():
        if other != result:
            factor = float(factors[other])
            yield Formula(
                result=names[result], operation="product", operands=(names[other],), factor=factor, decimals=decimals
            )


def _long_sums(screen: Numbers, result: int, names: Sequence[str], decimals: int) -> Iterator[Formula]:
    """Yield sums of three or more neighbouring columns right before or right after the result."""
    values, allowed = screen[:, result], tolerance(decimals, screen[:, result])
    for length in range(3, LONGEST_SUM + 1):
        for start in (result - length, result + 1):
            if start < 0 or start + length > len(names):
                continue
            if _mostly(np.abs(screen[:, start : start + length].sum(axis=1) - values) <= allowed):
                operands = tuple(names[start : start + length])
                yield Formula(result=names[result], operation="sum", operands=operands, decimals=decimals)


def _mostly(holds: Mask) -> bool:
    return bool(holds.mean() >= SCREEN_SHARE)


def _count(formula: Formula, columns: Mapping[str, Column]) -> FormulaFacts:
    values = {name: columns[name].numbers() for name in formula.columns}
    differences = residuals(formula.parts, values)
    # Where the result is small, many numbers are close to it by chance.
    is_large = np.abs(values[formula.result]) >= LEAST_RESULT * 10.0**-formula.decimals
    is_judged = np.isfinite(differences) & is_large
    broken = breaks(formula.parts, values, differences) & is_judged
    is_exact = broken.sum() <= MOST_BROKEN and not _is_systematic(differences[broken])
    judged = formula.model_copy(update={"is_exact": bool(is_exact)})
    return FormulaFacts(formula=judged, rows=int(is_judged.sum()), broken=int(broken.sum()))


def _without_repetitions(facts: Sequence[FormulaFacts]) -> Iterator[FormulaFacts]:
    """Yield the formulas, each set of columns once: a sum can be written as a difference, a multiple as a part."""
    reported: list[frozenset[str]] = []
    for fact in facts:
        columns = frozenset(fact.formula.columns)
        if columns not in reported:
            reported.append(columns)
            yield fact


def usual_ranges(columns: Mapping[str, Column]) -> dict[str, tuple[float, float]]:
    """Return the range of each column beyond which a number lies far from nearly all others."""
    ranges = {}
    for name, column in columns.items():
        numbers = column.numbers()
        finite = numbers[np.isfinite(numbers)]
        low, high = np.quantile(finite, TYPICAL).tolist() if len(finite) else (0.0, 0.0)
        with np.errstate(over="ignore"):
            ranges[name] = tuple(np.nan_to_num([2 * low - high, 2 * high - low]).tolist())
    return ranges


def _is_systematic(residuals: Numbers) -> bool:
    """Return True if the rows that break a formula are off by the same amount again and again."""
    if len(residuals) < FEWEST_SYSTEMATIC:
        return False
    _, counts = np.unique(residuals.round(6), return_counts=True)
    return bool(counts.max() > MOST_EQUAL * len(residuals))
