"""The step that replaces timestamps by numbers: year, month, weekday, hour and their cycles."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from shared.contracts.vocabulary import Phase
from worker_service.core.humanize import count, listing, quoted
from worker_service.core.recipe.steps.base import (
    ColumnStep,
    Effect,
    StepRejected,
    StepStats,
    apply_step,
    describe_step,
    fit_step,
)
from worker_service.core.stats.fences import Numbers
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import TIMESTAMP, Column, Frame

DatePart = Literal[
    "days",
    "year",
    "month",
    "day",
    "weekday",
    "hour",
    "month_sin",
    "month_cos",
    "weekday_sin",
    "weekday_cos",
    "hour_sin",
    "hour_cos",
]
"""`days` since 1970 with their fraction; a sine and a cosine put December beside January on a circle of radius √2."""

RADIUS = np.sqrt(2)
_LEAST_SPREAD = 1e-9


def _days(timestamps: pa.Array) -> pa.Array:
    return pc.divide(timestamps.cast(pa.int64()).cast(pa.float64(), safe=False), 86_400_000_000.0)


def _cycle(part: Callable[[pa.Array], pa.Array], period: int, wave: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def transform(timestamps: pa.Array) -> pa.Array:
        cycles = part(timestamps).cast(pa.float64()).to_numpy(zero_copy_only=False) / period
        return pa.array(RADIUS * wave(2 * np.pi * cycles), from_pandas=True)

    return transform


_PARTS: dict[DatePart, Callable[[Any], Any]] = {
    "days": _days,
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "hour": pc.hour,
    "month_sin": _cycle(pc.month, 12, np.sin),
    "month_cos": _cycle(pc.month, 12, np.cos),
    "weekday_sin": _cycle(pc.day_of_week, 7, np.sin),
    "weekday_cos": _cycle(pc.day_of_week, 7, np.cos),
    "hour_sin": _cycle(pc.hour, 24, np.sin),
    "hour_cos": _cycle(pc.hour, 24, np.cos),
}


class DateParts(ColumnStep):
    """Replace a column of timestamps by numbers in UTC; weekdays count from Monday."""

    kind: Literal["date_parts"]
    phase: ClassVar[Phase] = "features"
    parts: tuple[DatePart, ...]
    names: tuple[str, ...]
    """The new columns, one for each part."""
    fill: datetime | None
    """The timestamp that missing cells get; None leaves them missing."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "DateParts":
        if len(self.names) != len(self.parts) or len(set(self.names)) != len(self.names):
            raise ValueError("each part needs a column name of its own")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@fit_step.register
def _fit(step: DateParts, frame: Frame) -> DateParts:
    """Leave out the parts that are the same in all rows, or the same as another part but for its unit."""
    timestamps = _require_timestamps(step, frame).array.cast(TIMESTAMP).unique().drop_null()
    kept: dict[DatePart, Numbers] = {}
    for part in step.parts:
        values = np.asarray(_PARTS[part](timestamps).to_numpy(zero_copy_only=False), dtype=np.float64)
        if len(values) < 2 or (np.ptp(values) > _LEAST_SPREAD and not any(_is_same(values, kept[of]) for of in kept)):
            kept[part] = values
    names = tuple(name for part, name in zip(step.parts, step.names, strict=True) if part in kept)
    return step.model_copy(update={"parts": tuple(kept), "names": names}) if kept else step


def _is_same(values: Numbers, others: Numbers) -> bool:
    """Return True if two parts of the same moments are a straight line of each other."""
    return abs(float(np.corrcoef(values, others)[0, 1])) > 1 - _LEAST_SPREAD


def _require_timestamps(step: DateParts, frame: Frame) -> Column:
    column = frame[step.column]
    if not column.is_timestamp:
        raise StepRejected(f"{quoted(step.column)} does not hold dates.")
    return column


@apply_step.register
def _apply(step: DateParts, frame: Frame) -> Effect:
    column = _require_timestamps(step, frame)
    # Arrow needs a time zone database for timestamps with a zone; as naive UTC they need none.
    timestamps = column.array.cast(TIMESTAMP)
    if step.fill is not None:
        timestamps = timestamps.fill_null(pa.scalar(step.fill.replace(tzinfo=None), TIMESTAMP))
    added = {name: Column(_PARTS[part](timestamps)) for part, name in zip(step.parts, step.names, strict=True)}
    return Effect(added=added, dropped=(step.column,), matched=column.missing)


def _part_names(parts: tuple[DatePart, ...]) -> Iterator[str]:
    """Yield the name of each part; a sine and a cosine share one."""
    for part in parts:
        if part.endswith("_sin"):
            yield f"{part.removesuffix('_sin')} on a circle (sine and cosine)"
        elif not part.endswith("_cos"):
            yield "days since 1970" if part == "days" else part


@describe_step.register
def _describe(step: DateParts, stats: StepStats) -> str:
    sentence = f"Replaced {quoted(step.column)} by its {listing(_part_names(step.parts))}"
    if not stats.matched or step.fill is None:
        return f"{sentence}."
    fill = render(pa.array([step.fill.replace(tzinfo=None)], TIMESTAMP))[0].as_py()
    return f"{sentence}, taking {fill}, the date in the middle, for {count(stats.matched, 'missing date')}."
