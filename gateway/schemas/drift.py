"""Models of how a table differs from that of the recipe that was repeated on it."""

from typing import Literal

from pydantic import BaseModel, Field

from gateway.schemas.fields import StepNumber

Verdict = Literal["stable", "moved", "broken"]
Aspect = Literal["distribution", "missing", "unfit", "levels", "range", "unique"]
_VERDICT = Field(
    description="`stable`; `moved` where more differs than chance makes; `broken` where the recipe can't read the "
    "cells any more, or most of them are new to it.",
    examples=["moved"],
)


class LevelCount(BaseModel):
    """A level and the number of cells that hold it."""

    value: str = Field(description="The level.", examples=["Roma"])
    count: int = Field(description="The cells.", examples=[300])


class ColumnDrift(BaseModel):
    """How one column differs; pairs are the value before and the value now."""

    column: str = Field(description="Its name.", examples=["weight"])
    verdict: Verdict = _VERDICT
    aspects: list[Aspect] = Field(description="What has moved.", examples=[["distribution"]])
    findings: list[str] = Field(
        description="A sentence for each.", examples=[["The numbers are distributed otherwise than before."]]
    )
    population_stability: float | None = Field(
        description="The population stability index of numbers, levels or lengths of texts; from 0.1 on they have "
        "moved. Null where there are none.",
        examples=[0.34],
    )
    jensen_shannon: float | None = Field(description="Their Jensen-Shannon distance, 0 to 1.", examples=[0.2])
    scale: float | None = Field(
        description="The factor by which all quantiles have moved, if it is the same: the unit may be another.",
        examples=[2.2],
    )
    missing_share: tuple[float, float] = Field(description="The share of empty cells.", examples=[[0.0, 0.05]])
    unfit_share: tuple[float, float] = Field(
        description="The share of cells that do not fit the type.", examples=[[0.0, 0.0]]
    )
    new_levels: list[LevelCount] = Field(description="Levels that were not there before, twenty at most.")
    lost_levels: list[str] = Field(description="Levels that are gone, twenty at most.", examples=[["Rome"]])
    minimum: tuple[float | str | None, float | str | None] = Field(
        description="The smallest number or first moment; null for other columns.", examples=[[21.1, 44.0]]
    )
    maximum: tuple[float | str | None, float | str | None] = Field(
        description="The largest number or last moment; null for other columns.", examples=[[166.6, 366.7]]
    )


class StepDrift(BaseModel):
    """A step of the recipe that no longer holds."""

    step: StepNumber
    kind: str = Field(description="What it does.", examples=["one_hot"])
    columns: list[str] = Field(description="The columns it reads that have moved.", examples=[["city"]])
    why: str = Field(description="Why, in words.", examples=["“city”: 20 % of the values are new, “Roma”."])


class Drift(BaseModel):
    """How a table differs from that of the recipe that was repeated on it."""

    verdict: Verdict = _VERDICT
    summary: str = Field(description="A sentence or two.", examples=["1 column of 8 moved: “city”."])
    rows: tuple[int, int] = Field(description="The number of rows, before and now.", examples=[[1500, 1400]])
    columns: list[ColumnDrift] = Field(description="The columns of the recipe, in its order.")
    new_columns: list[str] = Field(description="Columns that the recipe does not know; they were left out.")
    missing_columns: list[str] = Field(description="Columns that the recipe knows and did not need.")
    steps: list[StepDrift] = Field(description="The steps that no longer hold.")
