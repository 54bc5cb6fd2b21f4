"""Steps that fill missing cells from the other columns: by group, by level, by time or by a model."""

from typing import Annotated, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from worker_service.core.humanize import listing, number, quoted
from worker_service.core.imputation.fitted import NearestRows, Trees, fit_neighbours, fit_trees
from worker_service.core.imputation.models import (
    FeatureEncoding,
    feature_encoding,
    feature_matrix,
    group_medians,
    group_modes,
    interpolate,
    is_squarable,
    sample_rows,
)
from worker_service.core.recipe.steps.base import (
    Change,
    Effect,
    Scope,
    Step,
    StepRejected,
    StepStats,
    apply_step,
    describe_filled,
    describe_step,
    fit_step,
    require_number,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column, Frame, Mask

_Codes = npt.NDArray[np.int64]
FEWEST_KNOWN = 20
MOST_LEVELS = 50
FEWEST_AGREEING = 3
"""At least so many rows of a group must have the same level."""


class _FillBy(Step):
    """A step that fills a column from other columns."""

    phase: Literal["cleaning", "features"] = "cleaning"
    """`cleaning` fills in both tables, `features` in the engineered one alone."""
    column: str
    decimals: int | None
    """Predictions are rounded to so many; None where the values have more than nine or are no numbers."""
    low: float | None = None
    """The least value that a cell gets; None until it is measured, and where levels are filled."""
    high: float | None = None
    """The greatest value."""


_FillByStep = TypeVar("_FillByStep", bound=_FillBy)


class FillByGroup(_FillBy):
    """Fill each missing cell with the median of the rows that have the same value in another column."""

    kind: Literal["fill_by_group"]
    by: str
    groups: tuple[str, ...] = ()
    """The values of `by`, as canonical text; empty until measured."""
    medians: tuple[float, ...] = ()
    """The median of each group."""
    fallback: float
    """For groups without a known cell."""

    @model_validator(mode="after")
    def _one_median_each(self) -> "FillByGroup":
        if len(self.groups) != len(self.medians):
            raise ValueError("each group needs its median")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to fill and the grouping column."""
        return (self.column, self.by)


class FillByLevel(Step):
    """Fill each missing cell of a category with the level of the rows that have the same value in another column."""

    kind: Literal["fill_by_level"]
    phase: Literal["cleaning", "features"] = "cleaning"
    """`cleaning` fills in both tables, `features` in the engineered one alone."""
    column: str
    by: str
    groups: tuple[str, ...] = ()
    """The values of `by` that determine a level, as canonical text; empty until measured."""
    most: bool = False
    """True if the most frequent level of a group is taken, False if all rows of a group must have the same."""
    levels: tuple[str, ...] = ()
    """The level of each group."""
    fallback: str | None
    """For rows of other groups; None leaves their cells missing."""

    @model_validator(mode="after")
    def _one_level_each(self) -> "FillByLevel":
        if len(self.groups) != len(self.levels):
            raise ValueError("each group needs its level")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to fill and the column that determines it."""
        return (self.column, self.by)


class FillByTime(_FillBy):
    """Fill each missing cell by linear interpolation between the values before and after it in time."""

    kind: Literal["fill_by_time"]
    by: str
    """A column of timestamps, which ascend in the table that the step was proposed for."""
    fallback: float | None = None
    """For rows without a moment, and where no value is known; None until it is measured, as the median."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to fill and the column of timestamps."""
        return (self.column, self.by)

    @property
    def scope(self) -> Scope:
        """All rows: the values before and after."""
        return "table"


class FillByModel(_FillBy):
    """Fill each missing cell with the prediction of a model fitted to a sample of the rows where the column is known.

    Numbers are predicted by regression, text and booleans by classification among the levels of the column.
    """

    kind: Literal["fill_by_model"]
    model: Literal["neighbours", "boosting"]
    """The weighted mean or vote of the 8 nearest rows, or gradient-boosted trees; both deterministic."""
    predictors: tuple[str, ...]
    encodings: tuple[FeatureEncoding, ...] = ()
    """How each predictor becomes numbers; empty until measured."""
    levels: tuple[str, ...] = ()
    """The levels that are predicted, as canonical text; empty until measured, and for numbers."""
    fitted: Annotated[NearestRows | Trees, Field(discriminator="kind")] | None = None
    """The fitted model; None until it is fitted."""

    @model_validator(mode="after")
    def _model_fits(self) -> "FillByModel":
        if self.fitted is None:
            return self
        if len(self.encodings) != len(self.predictors) or self.fitted.features > len(self.predictors):
            raise ValueError("the model goes by other columns than the predictors")
        if isinstance(self.fitted, NearestRows) and self.fitted.features != len(self.predictors):
            raise ValueError("the model goes by other columns than the predictors")
        if not self.fitted.codes <= set(range(len(self.levels))) or bool(self.fitted.codes) != bool(self.levels):
            raise ValueError("the model predicts other levels than there are")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The column to fill and the predictors."""
        return (self.column, *self.predictors)


def _require_number_gaps(step: _FillBy, frame: Frame) -> Column:
    column = require_number(frame, step.column)
    if not column.missing:
        raise StepRejected(f"No cell of {quoted(step.column)} is missing.")
    if column.known < FEWEST_KNOWN or not np.isfinite(column.numbers()[column.present()]).all():
        raise StepRejected(f"{quoted(step.column)} has too few values to go by.")
    return column


def _require_level_gaps(step: FillByModel, frame: Frame) -> Column:
    column = frame[step.column]
    if not (column.is_text or column.is_boolean) or not column.missing:
        raise StepRejected(f"{quoted(step.column)} has no gap between numbers or levels.")
    if column.known < FEWEST_KNOWN or len(column.derive(distinct).values) > MOST_LEVELS:
        raise StepRejected(f"{quoted(step.column)} has too few values to go by, or too many different ones.")
    return column


def _with_range(step: _FillByStep, column: Column) -> _FillByStep:
    """Return the step with the range of the known values."""
    known = column.numbers()[column.present()]
    return step.model_copy(update={"low": float(known.min()), "high": float(known.max())})


def _fill_numbers(step: _FillBy, column: Column, predicted: Numbers) -> Effect:
    """Fill the missing cells with predictions, rounded like the values and clipped to their range."""
    missing = ~column.present()
    rounded = predicted if step.decimals is None else np.round(predicted, step.decimals)
    if column.is_integer:
        rounded = np.rint(rounded)
    rounded = np.clip(rounded, step.low, step.high)
    values = np.array(column.array.fill_null(0).to_numpy(zero_copy_only=False))
    values[missing] = rounded.astype(values.dtype)
    return Effect(changed={step.column: Change(Column(pa.array(values, column.type)), missing)})


@fit_step.register
def _fit_groups(step: FillByGroup, frame: Frame) -> FillByGroup:
    column, by = _require_number_gaps(step, frame), frame[step.by].derive(distinct)
    step = step if step.low is not None else _with_range(step, column)
    if step.groups:
        return step
    medians = group_medians(by.codes, column.numbers(), np.flatnonzero(column.present()))
    texts = render(by.values).to_pylist()
    by_text = {texts[code]: median for code, median in medians.items()}
    return step.model_copy(update={"groups": tuple(by_text), "medians": tuple(by_text.values())})


@fit_step.register
def _fit_levels(step: FillByLevel, frame: Frame) -> FillByLevel:
    _require_gaps_of_levels(step, frame)
    if step.groups:
        return _require_told_gaps(step, frame)
    column, by = frame[step.column].derive(distinct), frame[step.by].derive(distinct)
    if step.most:
        modes = group_modes(by.codes, column.codes, np.arange(frame.rows))
        levels = _with_levels(step, frame, np.array(list(modes)), np.array(list(modes.values())))
        return _require_told_gaps(levels, frame)
    known = (column.codes >= 0) & (by.codes >= 0)
    pairs, sizes = np.unique(np.stack([by.codes[known], column.codes[known]]), axis=1, return_counts=True)
    agreeing = (np.bincount(pairs[0])[pairs[0]] == 1) & (sizes >= FEWEST_AGREEING)
    return _require_told_gaps(_with_levels(step, frame, pairs[0][agreeing], pairs[1][agreeing]), frame)


def _require_told_gaps(step: FillByLevel, frame: Frame) -> FillByLevel:
    if not _fill_levels(step, frame)[1].any():
        raise StepRejected(f"No value of {quoted(step.by)} says what a missing {quoted(step.column)} would be.")
    return step


def _with_levels(step: FillByLevel, frame: Frame, groups: _Codes, levels: _Codes) -> FillByLevel:
    """Return the step with the level of each group; both are codes of the distinct values."""
    by_values, column_values = frame[step.by].derive(distinct).values, frame[step.column].derive(distinct).values
    group_texts = render(by_values.take(pa.array(groups, pa.int64()))).to_pylist()
    level_texts = render(column_values.take(pa.array(levels, pa.int64()))).to_pylist()
    return step.model_copy(update={"groups": tuple(group_texts), "levels": tuple(level_texts)})


def _require_gaps_of_levels(step: FillByLevel, frame: Frame) -> Column:
    column = frame[step.column]
    if not (column.is_text or column.is_boolean):
        raise StepRejected(f"{quoted(step.column)} holds neither text nor true and false.")
    if not column.missing or not column.known:
        raise StepRejected(f"{quoted(step.column)} has no gap between its cells.")
    return column


@apply_step.register
def _apply_by_level(step: FillByLevel, frame: Frame) -> Effect:
    filled, cells = _fill_levels(step, frame)
    return Effect(changed={step.column: Change(filled, cells)})


def _fill_levels(step: FillByLevel, frame: Frame) -> tuple[Column, Mask]:
    """Return the filled column, and the mask of the cells that were filled."""
    column, by = frame[step.column], frame[step.by].derive(distinct)
    levels = dict(zip(step.groups, step.levels, strict=True))
    texts = [levels.get(text, step.fallback) for text in render(by.values).to_pylist()]
    by_group = _as_levels([*texts, step.fallback], column, step)
    predicted = by_group.take(pa.array(np.where(by.codes < 0, len(texts), by.codes)))
    filled = Column(pc.coalesce(column.array, predicted))
    return filled, filled.present() & ~column.present()


def _as_levels(texts: list[str | None], column: Column, step: FillByLevel) -> pa.Array:
    try:
        return pa.array(texts, pa.string()).cast(column.type)
    except pa.ArrowInvalid:
        raise StepRejected(f"{quoted(step.column)} can't be filled with other words than true and false.") from None


@apply_step.register
def _apply_by_group(step: FillByGroup, frame: Frame) -> Effect:
    column, by = require_number(frame, step.column), frame[step.by].derive(distinct)
    medians = dict(zip(step.groups, step.medians, strict=True))
    predicted = np.array([medians.get(text, step.fallback) for text in render(by.values).to_pylist()] + [step.fallback])
    return _fill_numbers(step, column, predicted[by.codes][~column.present()])


@fit_step.register
def _fit_time(step: FillByTime, frame: Frame) -> FillByTime:
    column, ticks = _require_number_gaps(step, frame), _ticks(step, frame)
    if np.isnan(ticks).any():
        raise StepRejected(f"{quoted(step.by)} does not hold a moment in every row.")
    if not (np.diff(ticks) > 0).all():
        raise StepRejected(f"The rows are not in the order of {quoted(step.by)}.")
    if step.fallback is not None:
        return step
    median = float(np.median(column.numbers()[column.present()]))
    return _with_range(step, column).model_copy(update={"fallback": median})


def _ticks(step: FillByTime, frame: Frame) -> Numbers:
    """Return the microseconds of each moment, NaN where there is none."""
    if not frame[step.by].is_timestamp:
        raise StepRejected(f"{quoted(step.by)} does not hold a moment in every row.")
    ticks = frame[step.by].array.cast(TIMESTAMP).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(ticks.to_numpy(zero_copy_only=False))


@apply_step.register
def _apply_by_time(step: FillByTime, frame: Frame) -> Effect:
    column, ticks = require_number(frame, step.column), _ticks(step, frame)
    predicted = np.full(frame.rows, step.fallback, dtype=np.float64)
    order = np.argsort(ticks, kind="stable")
    order = order[np.isfinite(ticks[order])]  # other tables may have rows in another order, or without a moment
    known = np.isfinite(column.numbers()[order])
    if known.any():
        rows = np.flatnonzero(~column.present()[order])
        predicted[order[rows]] = interpolate(ticks[order], column.numbers()[order], rows, known)
    return _fill_numbers(step, column, predicted[~column.present()])


@fit_step.register
def _fit_model(step: FillByModel, frame: Frame) -> FillByModel:
    column = _require_number_gaps(step, frame) if frame[step.column].is_number else _require_level_gaps(step, frame)
    if not step.predictors or step.column in step.predictors:
        raise StepRejected("A model needs other columns to look at.")
    if step.fitted is not None:
        return step
    if not all(is_squarable(frame[name]) for name in step.columns):
        raise StepRejected("The numbers to go by are too large for a model.")
    encodings = tuple(feature_encoding(frame[name]) for name in step.predictors)
    train = sample_rows(np.flatnonzero(column.present()))
    table = feature_matrix([frame[name] for name in step.predictors], encodings)[train]
    fit = fit_neighbours if step.model == "neighbours" else fit_trees
    if column.is_number:
        fitted = fit(table, column.numbers()[train], is_class=False)
        return _with_range(step, column).model_copy(update={"encodings": encodings, "fitted": fitted})
    cells = column.derive(distinct)
    levels = tuple(render(cells.values).to_pylist())
    fitted = fit(table, cells.codes[train], is_class=True)
    return step.model_copy(update={"encodings": encodings, "levels": levels, "fitted": fitted})


@apply_step.register
def _apply_by_model(step: FillByModel, frame: Frame) -> Effect:
    column = frame[step.column]
    if step.fitted is None or column.is_number == bool(step.levels):
        raise StepRejected(f"The model of {quoted(step.column)} is not fitted to such values.")
    rows = np.flatnonzero(~column.present())
    cells = [Column(frame[name].array.take(pa.array(rows))) for name in step.predictors]
    predicted = step.fitted.predict(feature_matrix(cells, step.encodings)) if len(rows) else np.zeros(0)
    if column.is_number:
        return _fill_numbers(step, column, predicted)
    codes = np.full(frame.rows, -1)
    codes[rows] = predicted
    texts = pa.array(step.levels, pa.string()).take(pa.array(codes, mask=codes < 0))
    filled = pc.coalesce(column.array, texts.cast(column.type))
    return Effect(changed={step.column: Change(Column(filled), ~column.present())})


@describe_step.register
def _describe_by_group(step: FillByGroup, stats: StepStats) -> str:
    first = f", such as {number(step.medians[0])} for {quoted(step.groups[0])}" if step.groups else ""
    filled = describe_filled(step, step.column, stats)
    return f"{filled} with the median of the rows that have the same {quoted(step.by)}{first}."


@describe_step.register
def _describe_by_level(step: FillByLevel, stats: StepStats) -> str:
    example = f", such as {quoted(step.levels[0])} for {quoted(step.groups[0])}" if step.groups else ""
    who = "most" if step.most else "all"
    rest = "" if step.fallback is None else f", and with {quoted(step.fallback)} where no rows tell"
    filled = describe_filled(step, step.column, stats)
    return f"{filled} with what {who} rows with the same {quoted(step.by)} say{example}{rest}."


@describe_step.register
def _describe_by_time(step: FillByTime, stats: StepStats) -> str:
    filled = describe_filled(step, step.column, stats)
    return f"{filled} on the straight line between the values before and after in {quoted(step.by)}."


@describe_step.register
def _describe_by_model(step: FillByModel, stats: StepStats) -> str:
    how = {"neighbours": "what the most similar rows say", "boosting": "what gradient-boosted trees say"}
    filled = describe_filled(step, step.column, stats)
    return f"{filled} with {how[step.model]}, going by {_name_columns(step.predictors)}."


def _name_columns(names: tuple[str, ...]) -> str:
    if len(names) <= 4:
        return listing(quoted(name) for name in names)
    return f"{', '.join(quoted(name) for name in names[:3])} and {len(names) - 3} other columns"
