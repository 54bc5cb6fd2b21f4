"""Models of the versions of a dataset's results, and of changes of its recipe."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from gateway.schemas.fields import DatasetId, Moment, NextPageToken
from shared.contracts.vocabulary import ColumnRole, Mode, Phase, StepState

_Step = Annotated[int, Field(ge=1, le=100_000)]
_Steps = Annotated[list[_Step], Field(max_length=10_000)]
_Name = Annotated[str, Field(max_length=10_000)]
_Names = Annotated[list[_Name], Field(max_length=1_000)]


class CellPlace(BaseModel):
    """Where a cell is."""

    model_config = ConfigDict(extra="forbid")

    row: int = Field(ge=1, le=2**53, description="Its row in the uploaded table, from 1.", examples=[7])
    column: _Name = Field(description="Its column.", examples=["age"])


class RecipeChange(BaseModel):
    """What is changed: steps that are switched off, on again or added, parameters, and what columns are."""

    model_config = ConfigDict(extra="forbid")

    off: _Steps = Field([], description="Steps by their places, from 1.", examples=[[7]])
    on: _Steps = Field([], description="Steps that were switched off.", examples=[[]])
    parameters: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}$")], dict[str, Any] | None] = Field(
        {},
        max_length=1_000,
        description="Parameters that are set, an object for each step, by its place; null for a step that gets its own "
        "back.",
        examples=[{"12": {"upper": 100}}],
    )
    add: list[dict[str, Any]] = Field(
        [],
        max_length=100,
        description="Steps that are added behind the others, as in a recipe: a kind with its parameters; what it "
        "measures may be left out.",
        examples=[[{"kind": "drop_column", "phase": "features", "column": "fax"}]],
    )
    redo: list[CellPlace] = Field(
        [],
        max_length=1_000,
        description="Cells that were undone and are cleaned again.",
        examples=[[]],
    )
    types: dict[_Name, Annotated[str, Field(max_length=100)] | None] = Field(
        {},
        max_length=1_000,
        description="What columns are, as at an upload; null for one that is recognised again. With types, roles or "
        "target the recipe is proposed anew, and what was changed of it goes with it; steps are changed in another "
        "request, as their places may be others.",
        examples=[{"zip": "text"}],
    )
    roles: dict[_Name, ColumnRole | None] = Field(
        {},
        max_length=1_000,
        description="What columns are for, as at an upload (`keep` leaves one alone); null for one without a role.",
        examples=[{"customer": "identifier"}],
    )
    target: str = Field(
        "",
        max_length=1_000,
        description="The column to predict, or none; empty for that which there is.",
        examples=["churned"],
    )


class CellExample(BaseModel):
    """A cell before and after a step."""

    row: int = Field(description="Its row in the uploaded table, from 1.", examples=[7])
    column: str = Field(description="Its column.", examples=["price"])
    before: str | None = Field(description="Its text before; null where it has none.", examples=["34.5"])
    after: str | None = Field(description="Its text after; null where it has none.", examples=[None])


class LevelCount(BaseModel):
    """A value and how many cells have it."""

    value: str = Field(description="The value as text, 100 characters at most.", examples=["Lisbon"])
    count: int = Field(description="The cells.", examples=[230])


class Distribution(BaseModel):
    """What a column holds."""

    known: int = Field(description="The cells with a value.", examples=[558])
    missing: int = Field(description="The cells without.", examples=[42])
    edges: list[float] = Field(description="Of numbers the edges of bins, ascending, one more than counts.")
    counts: list[int] = Field(description="The numbers in each bin; the last one holds its upper edge.")
    levels: list[LevelCount] = Field(description="Of other columns the most frequent values.")


class StepEffect(BaseModel):
    """What a step does."""

    step: int = Field(description="Its place in the recipe, from 1.", examples=[7])
    kind: str = Field(description="Its kind.", examples=["fill_missing"])
    phase: Phase = Field(description="Its phase.", examples=["cleaning"])
    columns: list[str] = Field(description="The columns that it reads.", examples=[["age"]])
    outputs: list[str] = Field(description="The columns that it adds.", examples=[[]])
    state: StepState = Field(description="Whether it is carried out.", examples=["applied"])
    what: str = Field(description="What it does, a sentence; empty where it does nothing.")
    why: str = Field(description="The evidence for it, or why it is skipped.")
    rule: str = Field(description="The rule or model that proposed it, or user.", examples=["fill_skewed"])
    confidence: float = Field(description="How sure the rule is, 0 to 1.", examples=[0.9])
    cells_changed: int = Field(description="How many cells it changes.", examples=[42])
    rows_removed: int = Field(description="How many rows it removes.", examples=[0])
    examples: list[CellExample] = Field(description="Up to ten cells before and after.")
    before: Distribution | None = Field(
        description="The column that it changes or reads, before; null where it changes no cell, and for personal data."
    )
    after: Distribution | None = Field(description="The same column after it, or the first that it makes.")


class DryRun(BaseModel):
    """What a recipe would do to the table that it was made for."""

    dataset_id: DatasetId
    rows: int = Field(description="The rows of the cleaned table.", examples=[600])
    cleaned_columns: int = Field(description="The columns of the cleaned table.", examples=[16])
    engineered_columns: int = Field(description="The columns of the engineered table.", examples=[77])
    cells_changed: int = Field(
        description="How many cells of the cleaned table differ from the upload.", examples=[120]
    )
    steps: list[StepEffect] = Field(description="The steps, in the order of the recipe.")


class Undo(BaseModel):
    """What is undone; what is named in several ways is meant once."""

    model_config = ConfigDict(extra="forbid")

    steps: _Steps = Field([], description="Steps of the recipe, from 1.", examples=[[7]])
    columns: _Names = Field([], description="Columns of which all steps are undone.", examples=[["age"]])
    rules: _Names = Field([], description="Rules of which all steps are undone.", examples=[["fill_skewed"]])
    cells: list[CellPlace] = Field(
        [],
        max_length=1_000,
        description="Cells of the cleaned table that stay as the file has them, whatever the steps do; they are no "
        "part of the recipe.",
        examples=[[{"row": 7, "column": "age"}]],
    )
    everything: StrictBool = Field(False, description="True for all steps: the cleaned table is the uploaded one.")


class Version(BaseModel):
    """A published result of a dataset."""

    version: int = Field(description="Its number, from 1, which `?version=` takes.", examples=[2])
    author: str = Field(description="The user who asked for it.", examples=["anonymous"])
    created_at: Moment = Field(description="When it was published.")
    mode: Mode = Field(description="Who proposed the steps.", examples=["fast"])
    switched_off: list[int] = Field(description="The steps of the recipe, from 1, that are switched off.")
    types: dict[str, str] = Field(description="What users said columns are.", examples=[{"zip": "text"}])
    roles: dict[str, str] = Field(description="What they said columns are for.", examples=[{}])
    target: str = Field(
        description="The column that they said is to be predicted; empty where it was detected.", examples=["churned"]
    )
    steps_added: int = Field(description="How many steps users added.", examples=[0])
    cells_undone: int = Field(description="How many cells they keep as the file has them.", examples=[0])
    cells_changed: int = Field(
        description="How many cells of the cleaned table differ from the upload.", examples=[120]
    )
    rows: int = Field(description="The rows of the cleaned table.", examples=[600])


class VersionPage(BaseModel):
    """A page of versions, newest first."""

    dataset_id: DatasetId
    versions: list[Version] = Field(description="The page.")
    next_page_token: NextPageToken


class Difference(BaseModel):
    """A cell in which two versions of the cleaned table differ."""

    row: int = Field(description="Its row in the uploaded table, from 1.", examples=[7])
    column: str = Field(description="Its column.", examples=["price"])
    before: str | None = Field(description="Its text in the version before; null where it has none.", examples=["34.5"])
    after: str | None = Field(description="Its text in the version after; null where it has none.", examples=[None])
    kind: Literal["changed", "removed", "restored"] = Field(
        description="It has another value, is there in the version before alone, or in the one after alone.",
        examples=["changed"],
    )


class DifferencePage(BaseModel):
    """A page of the cells in which two versions differ, in the order of rows."""

    dataset_id: DatasetId
    differences: list[Difference] = Field(description="The page.")
    total_differences: int = Field(description="The cells on all pages together.", examples=[73])
    next_page_token: NextPageToken
