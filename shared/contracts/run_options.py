"""The choices of an uploader for a run; stored with the run as JSON."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.vocabulary import (
    DEFAULT_FILL,
    DEFAULT_MODE,
    DEFAULT_OUTLIER_METHOD,
    DEFAULT_OUTLIER_STRATEGY,
    ChosenType,
    FillPolicy,
    Mode,
    OutlierMethod,
    OutlierStrategy,
)


class ReadOptions(BaseModel):
    """How a file is to be read; None where the service detects it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    delimiter: str | None = None
    """The separator of two cells: one character."""
    encoding: str | None = None
    """A character encoding that Python knows."""
    header_row: int | None = None
    """The line in which the header begins, from 1; 0 where the file has none."""
    sheet: str | None = None
    """The name of a sheet of a workbook, or its number from 1."""


class RunOptions(BaseModel):
    """The choices that steer a preparation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Mode = DEFAULT_MODE
    """The proposer of the steps: rules alone, or with a language model's help."""
    outlier_method: OutlierMethod = DEFAULT_OUTLIER_METHOD
    """The method that finds outliers."""
    outlier_strategy: OutlierStrategy = DEFAULT_OUTLIER_STRATEGY
    """The treatment of outliers."""
    fill: FillPolicy = DEFAULT_FILL
    """The missing cells of the cleaned table that are filled."""
    target: str | None = None
    """The column a model will predict; None lets the service detect it."""
    types: Mapping[str, ChosenType] = Field(default_factory=dict)
    """The types of columns that the uploader named."""
    reading: ReadOptions = ReadOptions()

    def to_json(self) -> dict[str, Any]:
        """Return the options as they are stored; what was left to the service is absent."""
        return self.model_dump(mode="json", exclude_none=True)
