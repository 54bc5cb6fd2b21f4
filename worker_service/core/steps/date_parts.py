"""What a date says about the year, the season, the week and the hour."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from worker_service.core.frame import TIMESTAMP, Column, Frame
from worker_service.core.rendering import render
from worker_service.core.steps.base import (
    ColumnStep,
    Effect,
    Phase,
    StepRejected,
    Tally,
    apply_step,
    describe_step,
)
from worker_service.core.wording import count, listing, quoted

DatePart = Literal["year", "month", "day", "weekday", "hour"]

_PARTS: dict[DatePart, Callable[[Any], Any]] = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "weekday": pc.day_of_week,
    "hour": pc.hour,
}


class DateParts(ColumnStep):
    """Replace a column of moments by whole numbers: year, month, day, weekday (Monday 0), hour; in UTC."""

    kind: Literal["date_parts"]
    phase: ClassVar[Phase] = "features"
    parts: tuple[DatePart, ...]
    names: tuple[str, ...]
    """The new columns, one for each part."""
    fill: datetime | None
    """The moment taken for missing ones; None leaves them missing."""

    @model_validator(mode="after")
    def _one_name_each(self) -> "DateParts":
        if len(self.names) != len(self.parts) or len(set(self.names)) != len(self.names):
            raise ValueError("each part needs a column name of its own")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The new columns."""
        return self.names


@apply_step.register
def _apply(step: DateParts, frame: Frame) -> Effect:
    column = frame[step.column]
    if not column.is_timestamp:
        raise StepRejected(f"{quoted(step.column)} does not hold dates.")
    # Arrow needs a time zone database for moments with a zone; as naive UTC they need none.
    moments = column.array.cast(TIMESTAMP)
    if step.fill is not None:
        moments = moments.fill_null(pa.scalar(step.fill.replace(tzinfo=None), TIMESTAMP))
    added = {name: Column(_PARTS[part](moments)) for part, name in zip(step.parts, step.names, strict=True)}
    return Effect(added=added, dropped=(step.column,), found=column.missing)


@describe_step.register
def _describe(step: DateParts, tally: Tally) -> str:
    sentence = f"Replaced {quoted(step.column)} by its {listing(step.parts)}"
    if not tally.found or step.fill is None:
        return f"{sentence}."
    middle = render(pa.array([step.fill.replace(tzinfo=None)], TIMESTAMP))[0].as_py()
    return f"{sentence}, taking {middle} for {count(tally.found, 'missing date')}."
