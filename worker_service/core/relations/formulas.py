"""Sums and products among columns of numbers, and the cells that break them.

In a row that breaks a formula any of its cells may be wrong. A cell is, if it alone explains every formula that the row
breaks and breaks none of those that it keeps, and if it is a typing error or several formulas say so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rapidfuzz.distance import OSA

from worker_service.core.humanize import number, quoted
from worker_service.core.stats.fences import Numbers
from worker_service.core.stats.summary import Value
from worker_service.core.table.frame import Column, Mask

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
MOST_ROUNDED = 2
"""A row does not break a formula by so many units of the last decimal for each of its columns."""
FACTOR_PRECISION = 0.005
"""A measured factor may be a rounded one, so that differences up to this share of the result say nothing."""
LEAST_RESULT = 20
"""A row is counted if the result is at least so many units of its last decimal."""
FEWEST_SYSTEMATIC = 4
MOST_BROKEN = 5_000
"""In more rows it takes too long to look for the wrong cell of each."""
MOST_EQUAL = 0.5
"""If so many rows break a formula and a larger share of their differences is the same, the difference has a meaning."""
LEADING_DIGITS = 6
"""Two numbers that agree in so many digits are the same but for rounding."""
TYPICAL = (0.05, 0.95)
"""Quantiles between which the numbers of a column lie that errors have not moved."""
_SEED = 20_240_105


Operation = Literal["sum", "product"]


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


class FormulaFacts(Value):
    """A formula and how many rows it holds in."""

    formula: Formula
    rows: int
    """The rows in which all of its columns are known and the result is large enough to be no coincidence."""
    broken: int
    """Those of them in which it does not hold."""


@dataclass(frozen=True, eq=False)
class SolvedCells:
    """The cells of a column that are wrong, and the right values of all cells."""

    cells: Mask
    values: Numbers


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
    tolerance = _tolerance(decimals, values)
    left, right = screen[:, :, None], screen[:, None, :]
    is_used = ((screen != 0).mean(axis=0) >= LEAST_USED) & (np.arange(len(names)) != result)
    is_factor = is_used & ((np.abs(screen) != 1).mean(axis=0) >= LEAST_USED)
    combinations: tuple[tuple[Operation, Numbers, Mask], ...] = (
        ("sum", left + right, is_used),
        ("product", left * right, is_factor),
    )
    for operation, combined, usable in combinations:
        holds = (np.abs(combined - values) <= tolerance).mean(axis=0) >= SCREEN_SHARE
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
    holds = (np.abs(factors * screen - values) <= _tolerance(decimals, values)).mean(axis=0) >= SCREEN_SHARE
    varied = np.array([len(np.unique(column)) >= FEWEST_VALUES for column in screen.T])
    for other in np.flatnonzero(holds & varied & (factors != 0) & (factors != 1)).tolist():
        if other != result:
            factor = float(factors[other])
            yield Formula(
                result=names[result], operation="product", operands=(names[other],), factor=factor, decimals=decimals
            )


def _long_sums(screen: Numbers, result: int, names: Sequence[str], decimals: int) -> Iterator[Formula]:
    """Yield sums of three or more neighbouring columns right before or right after the result."""
    values, tolerance = screen[:, result], _tolerance(decimals, screen[:, result])
    for length in range(3, LONGEST_SUM + 1):
        for start in (result - length, result + 1):
            if start < 0 or start + length > len(names):
                continue
            if _mostly(np.abs(screen[:, start : start + length].sum(axis=1) - values) <= tolerance):
                operands = tuple(names[start : start + length])
                yield Formula(result=names[result], operation="sum", operands=operands, decimals=decimals)


def _mostly(holds: Mask) -> bool:
    return bool(holds.mean() >= SCREEN_SHARE)


def _tolerance(decimals: int, values: Numbers) -> Numbers:
    """Return how far a rounded result may be from the exact one."""
    return np.asarray(0.51 * 10.0**-decimals + 1e-9 * np.abs(values))


def _count(formula: Formula, columns: Mapping[str, Column]) -> FormulaFacts:
    values = {name: columns[name].numbers() for name in formula.columns}
    residuals = _residuals(formula, values)
    # Where the result is small, many numbers are close to it by chance.
    is_large = np.abs(values[formula.result]) >= LEAST_RESULT * 10.0**-formula.decimals
    is_judged = np.isfinite(residuals) & is_large
    broken = _breaks(formula, values, residuals) & is_judged
    is_exact = broken.sum() <= MOST_BROKEN and not _is_systematic(residuals[broken])
    judged = formula.model_copy(update={"is_exact": bool(is_exact)})
    return FormulaFacts(formula=judged, rows=int(is_judged.sum()), broken=int(broken.sum()))


def _residuals(formula: Formula, values: Mapping[str, Numbers]) -> Numbers:
    """Return the result as it is minus the computed one, NaN where a cell is missing."""
    parts = [values[name] for name in formula.operands]
    with np.errstate(over="ignore", invalid="ignore"):
        computed = np.sum(parts, axis=0) if formula.operation == "sum" else formula.factor * np.prod(parts, axis=0)
        return np.asarray(values[formula.result] - computed)


def _breaks(formula: Formula, values: Mapping[str, Numbers], residuals: Numbers) -> Mask:
    """Return True where a formula does not hold by more than its parts can have been rounded."""
    results = np.abs(values[formula.result])
    rounding = np.full_like(results, MOST_ROUNDED * len(formula.columns) * 10.0**-formula.decimals)
    if formula.factor != 1:
        rounding = np.maximum(rounding, FACTOR_PRECISION * results)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(residuals) > np.maximum(rounding, _tolerance(formula.decimals, results)))


def _without_repetitions(facts: Sequence[FormulaFacts]) -> Iterator[FormulaFacts]:
    """Yield the formulas, each set of columns once: a sum can be written as a difference, a multiple as a part."""
    reported: list[frozenset[str]] = []
    for fact in facts:
        columns = frozenset(fact.formula.columns)
        if columns not in reported:
            reported.append(columns)
            yield fact


def solve(
    formulas: Sequence[Formula],
    columns: Mapping[str, Column],
    decimals: Mapping[str, int],
    ranges: Mapping[str, tuple[float, float]],
) -> dict[str, SolvedCells]:
    """Return the wrong cells of each column with their right values, where it is clear which cell of a row is wrong.

    Args:
        formulas: what holds in nearly all rows.
        columns: the columns of the formulas, by name.
        decimals: the decimals of each column.
        ranges: the range of each column beyond which a number lies far from nearly all others.
    """
    names = list(dict.fromkeys(name for formula in formulas for name in formula.columns))
    values = {name: columns[name].numbers() for name in names}
    residuals = {formula: _residuals(formula, values) for formula in formulas}
    broken = {formula: _breaks(formula, values, residuals[formula]) for formula in formulas}
    solved = {name: values[name].copy() for name in names}
    wrong = {name: np.zeros(len(values[name]), dtype=bool) for name in names}
    for row in np.flatnonzero(np.any(list(broken.values()), axis=0)).tolist():
        of_row = [formula for formula in formulas if broken[formula][row]]
        if not all(formula.is_exact for formula in of_row):
            continue
        cells = {name: values[name][row] for name in names}
        is_odd = {name: not low <= cells[name] <= high for name, (low, high) in ranges.items()}
        solution = _wrong_cell(of_row, formulas, cells, decimals)
        if solution is None:
            continue
        name, value = solution
        becomes_odd = not ranges[name][0] <= value <= ranges[name][1]
        has_odd_partner = any(is_odd[column] for formula in of_row for column in formula.columns if column != name)
        # Where two cells of a row are wrong, a third seems to be, or one of the two by the wrong amount.
        if becomes_odd or has_odd_partner:
            continue
        solved[name][row], wrong[name][row] = value, True
    return {name: SolvedCells(wrong[name], solved[name]) for name in names if wrong[name].any()}


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


def _wrong_cell(
    broken: Sequence[Formula], formulas: Sequence[Formula], cells: Mapping[str, float], decimals: Mapping[str, int]
) -> tuple[str, float] | None:
    """Return the only cell of a row that can be the wrong one, and its right value; None if it is not clear."""
    candidates = {
        name: value
        for name in set.intersection(*(set(formula.columns) for formula in broken))
        if (value := _explain(name, broken, formulas, cells, decimals[name])) is not None
    }
    typed = {name: value for name, value in candidates.items() if _is_slip(cells[name], value, decimals[name])}
    chosen = typed if len(typed) == 1 else candidates if len(candidates) == 1 and len(broken) > 1 else {}
    exact = (item for item in chosen.items() if all(_holds_exactly(formula, {**cells, **chosen}) for formula in broken))
    return next(exact, None)


def _explain(
    name: str, broken: Sequence[Formula], formulas: Sequence[Formula], cells: Mapping[str, float], decimals: int
) -> float | None:
    """Return the value of a cell with which every formula of the row holds; None if there is none.

    The other cells may be rounded: a rate is a candidate though its rounded value gives the amount only nearly.
    """
    value = _solve_for(name, broken[0], cells)
    if value is None or not np.isfinite(value):
        return None
    value = round(float(value), decimals)
    changed = {other: np.array([value if other == name else cell]) for other, cell in cells.items()}
    for formula in formulas:
        if name in formula.columns and _breaks(formula, changed, _residuals(formula, changed))[0]:
            return None
    return value


def _holds_exactly(formula: Formula, cells: Mapping[str, float]) -> bool:
    """Return True if the result of a row is the computed one, apart from its own rounding."""
    row = {name: np.array([cell]) for name, cell in cells.items()}
    return bool(np.abs(_residuals(formula, row)) <= _tolerance(formula.decimals, row[formula.result]))


def _solve_for(name: str, formula: Formula, cells: Mapping[str, float]) -> float | None:
    others = [cells[operand] for operand in formula.operands if operand != name]
    if formula.operation == "sum":
        total = sum(others)
        return total if name == formula.result else cells[formula.result] - total
    product = formula.factor * float(np.prod(others))
    if name == formula.result:
        return product
    return cells[formula.result] / product if product else None


def _is_slip(value: float, right: float, decimals: int) -> bool:
    """Return True if two numbers differ by one digit, by two that changed places, or by a shifted point or sign.

    A rate has more digits than its amount determines, so the leading ones count, too.
    """
    return _is_mistyped(f"{value:.{decimals}f}", f"{right:.{decimals}f}") or (
        _is_mistyped(f"{value:.{LEADING_DIGITS - 1}e}", f"{right:.{LEADING_DIGITS - 1}e}")
    )


def _is_mistyped(written: str, meant: str) -> bool:
    digits, right_digits = (text.partition("e")[0].replace(".", "").lstrip("-").strip("0") for text in (written, meant))
    return OSA.distance(written, meant, score_cutoff=1) == 1 or digits == right_digits
