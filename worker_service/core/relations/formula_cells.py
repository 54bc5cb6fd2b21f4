"""The arithmetic of sums and products in rows, and the cells of rows that break them.

It knows nothing but numbers, so that exported programs can hold its source.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from rapidfuzz.distance import OSA

from worker_service.core.stats.fences import Numbers
from worker_service.core.table.frame import Mask

MOST_ROUNDED = 2
"""A row does not break a formula by so many units of the last decimal for each of its columns."""
FACTOR_PRECISION = 0.005
"""A measured factor may be a rounded one, so that differences up to this share of the result say nothing."""
LEADING_DIGITS = 6
"""Two numbers that agree in so many digits are the same but for rounding."""
Operation = Literal["sum", "product"]


class FormulaParts(NamedTuple):
    """A column that is the sum or the product of others."""

    result: str
    operation: Operation
    operands: tuple[str, ...]
    factor: float
    """What the product is multiplied by."""
    decimals: int
    """The decimals that the result is rounded to."""
    is_exact: bool
    """False if many rows that break it are off by the same amount, as by a fee; then nothing is corrected."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The result and the operands."""
        return (self.result, *self.operands)


class SolvedCells(NamedTuple):
    """The cells of a column that are wrong, and the right values of all cells."""

    cells: Mask
    values: Numbers


def tolerance(decimals: int, values: Numbers) -> Numbers:
    """Return how far a rounded result may be from the exact one."""
    return np.asarray(0.51 * 10.0**-decimals + 1e-9 * np.abs(values))


def residuals(formula: FormulaParts, values: Mapping[str, Numbers]) -> Numbers:
    """Return the result as it is minus the computed one, NaN where a cell is missing."""
    parts = [values[name] for name in formula.operands]
    with np.errstate(over="ignore", invalid="ignore"):
        computed = np.sum(parts, axis=0) if formula.operation == "sum" else formula.factor * np.prod(parts, axis=0)
        return np.asarray(values[formula.result] - computed)


def breaks(formula: FormulaParts, values: Mapping[str, Numbers], differences: Numbers) -> Mask:
    """Return True where a formula does not hold by more than its parts can have been rounded."""
    results = np.abs(values[formula.result])
    rounding = np.full_like(results, MOST_ROUNDED * len(formula.columns) * 10.0**-formula.decimals)
    if formula.factor != 1:
        rounding = np.maximum(rounding, FACTOR_PRECISION * results)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(differences) > np.maximum(rounding, tolerance(formula.decimals, results)))


def solve(
    formulas: Sequence[FormulaParts],
    values: Mapping[str, Numbers],
    decimals: Mapping[str, int],
    ranges: Mapping[str, tuple[float, float]],
) -> dict[str, SolvedCells]:
    """Return the wrong cells of each column with their right values, where it is clear which cell of a row is wrong.

    Args:
        formulas: what holds in nearly all rows.
        values: the numbers of the columns of the formulas, by name; NaN for missing.
        decimals: the decimals of each column.
        ranges: the range of each column beyond which a number lies far from nearly all others.
    """
    names = list(dict.fromkeys(name for formula in formulas for name in formula.columns))
    broken = {formula: breaks(formula, values, residuals(formula, values)) for formula in formulas}
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


def _wrong_cell(
    broken: Sequence[FormulaParts],
    formulas: Sequence[FormulaParts],
    cells: Mapping[str, float],
    decimals: Mapping[str, int],
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
    name: str,
    broken: Sequence[FormulaParts],
    formulas: Sequence[FormulaParts],
    cells: Mapping[str, float],
    decimals: int,
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
        if name in formula.columns and breaks(formula, changed, residuals(formula, changed))[0]:
            return None
    return value


def _holds_exactly(formula: FormulaParts, cells: Mapping[str, float]) -> bool:
    """Return True if the result of a row is the computed one, apart from its own rounding."""
    row = {name: np.array([cell]) for name, cell in cells.items()}
    return bool(np.abs(residuals(formula, row)) <= tolerance(formula.decimals, row[formula.result]))


def _solve_for(name: str, formula: FormulaParts, cells: Mapping[str, float]) -> float | None:
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
