"""The step that treats values outside a column's fences."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.vocabulary import OutlierMethod, OutlierTreatment, Phase
from worker_service.core.humanize import count, number, percent, plural_verb, quoted
from worker_service.core.recipe.steps.base import (
    Change,
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
    require_number,
)
from worker_service.core.table.frame import Column, Frame, Mask

_LARGEST = 2**62


class TreatOutliers(ColumnStep):
    """Treat the values below `lower` and above `upper`."""

    kind: Literal["treat_outliers"]
    phase: ClassVar[Phase] = "outliers"
    method: OutlierMethod
    """How the fences were computed: from the quartiles, or from the mean and the standard deviation."""
    strategy: OutlierTreatment
    """Move the values to the fence, remove their rows, replace them, empty them, or only count them."""
    lower: float
    upper: float
    replacement: float | None
    """The median, for the strategy `median`."""
    table: Literal["cleaned", "engineered"] = "cleaned"
    """`cleaned` treats the values in both tables, `engineered` in that one alone."""


@fit_step.register
def _fit(step: TreatOutliers, frame: Frame) -> TreatOutliers:
    values = require_number(frame, step.column).numbers()
    with np.errstate(invalid="ignore"):
        has_outliers = ((values < step.lower) | (values > step.upper)).any()
    if not has_outliers:
        raise StepRejected(f"No value of {quoted(step.column)} lies outside {_format_range(step)}.")
    return step


@apply_step.register
def _apply(step: TreatOutliers, frame: Frame) -> Effect:
    column = require_number(frame, step.column)
    values = column.numbers()
    with np.errstate(invalid="ignore"):
        outside: Mask = (values < step.lower) | (values > step.upper)
        below = int((values < step.lower).sum())
    matched = int(outside.sum())
    if step.strategy == "flag":
        return Effect(matched=matched, below=below, flagged=True)
    if step.strategy == "remove":
        return Effect(kept_rows=~outside, matched=matched, below=below)
    if step.strategy == "null":
        emptied = pc.if_else(pa.array(outside), pa.scalar(None, column.type), column.array)
        return Effect(changed={step.column: Change(Column(emptied), outside)}, matched=matched, below=below)
    treated = _replace_cells(column, outside, _treated_values(step, column, values[outside]))
    return Effect(changed={step.column: Change(treated, outside)}, matched=matched, below=below)


def _treated_values(step: TreatOutliers, column: Column, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lower, upper, replacement = step.lower, step.upper, step.replacement
    if step.strategy == "median" and replacement is None:
        raise StepRejected("The strategy median needs a replacement.")
    if column.is_integer:
        lower, upper = max(np.ceil(lower), -_LARGEST), min(np.floor(upper), _LARGEST)
        replacement = None if replacement is None else float(np.clip(np.round(replacement), -_LARGEST, _LARGEST))
    if lower > upper:
        raise StepRejected(f"There is no whole number within {_format_range(step)}.")
    if step.strategy == "median":
        return np.full(len(values), replacement, dtype=np.float64)
    return np.clip(values, lower, upper)


def _replace_cells(column: Column, cells: Mask, values: npt.NDArray[np.float64]) -> Column:
    """Return the column with new values in some cells; the others are not converted, so they stay exact."""
    filled = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    filled[cells] = values.astype(filled.dtype)
    return Column(pa.array(filled, column.type, mask=None if not column.missing else ~column.present()))


def _format_range(step: TreatOutliers) -> str:
    return f"{number(step.lower)} to {number(step.upper)}"


def _describe_outside(step: TreatOutliers, stats: StepStats) -> str:
    if step.lower >= step.upper:
        return f"other than {number(step.lower)}"
    if stats.below == 0:
        return f"above {number(step.upper)}"
    return f"below {number(step.lower)}" if stats.below == stats.matched else f"outside {_format_range(step)}"


def _describe_direction(stats: StepStats) -> str:
    if 0 < stats.below < stats.matched:
        return "to the nearer end of that range"
    return "up to it" if stats.below else "down to it"


@describe_step.register
def _describe(step: TreatOutliers, stats: StepStats) -> str:
    sentence = _describe_treatment(step, stats)
    if step.table == "cleaned" or step.strategy == "flag":
        return sentence
    keeps = plural_verb(stats.matched, "it", "them")
    return f"In the engineered table, {sentence[0].lower()}{sentence[1:-1]}; the cleaned table keeps {keeps}."


def _describe_treatment(step: TreatOutliers, stats: StepStats) -> str:
    share = percent(stats.matched / stats.known if stats.known else 0)
    values = f"{count(stats.matched, 'value')} ({share}) of {quoted(step.column)}"
    outside = _describe_outside(step, stats)
    if step.strategy == "remove":
        rows = "the row" if stats.rows_removed == 1 else f"the {stats.rows_removed:,} rows"
        return f"Removed {rows} in which {quoted(step.column)} lies {outside}."
    if step.strategy == "cap":
        return f"Moved {values} {outside} {_describe_direction(stats)}."
    if step.strategy == "null":
        return f"Emptied {plural_verb(stats.matched, 'the cell', 'the cells')} of {values} {outside}."
    if step.strategy == "median":
        return f"Replaced {values} {outside} by the median, {number(step.replacement or 0)}."
    return f"Left {values} {outside} as {'it is' if stats.matched == 1 else 'they are'}."
