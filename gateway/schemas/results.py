"""Results of a preparation, as JSON."""

from typing import Literal

from pydantic import BaseModel, Field

from gateway.schemas.fields import (
    EXAMPLE_ID,
    Confidence,
    DatabaseName,
    DatasetId,
    Kind,
    Moment,
    NextPageToken,
    Parameters,
    Rule,
    StepNumber,
    StepStateField,
    Why,
)
from shared.contracts.vocabulary import ChangeKind, ChartKind, Mode, OutlierMethod, OutlierTreatment

RowsTable = Literal["raw", "cleaned", "engineered"]


class Graph(BaseModel):
    """A chart that can be asked for."""

    graph_id: str = Field(description="Names the chart within its dataset.", examples=["histogram-price"])
    dataset_id: DatasetId
    database_name: DatabaseName
    kind: ChartKind = Field(description="What the chart shows.", examples=["histogram"])
    title: str = Field(description="Its heading.", examples=["Distribution of price"])
    columns: list[str] = Field(description="The columns it shows.", examples=[["price"]])
    created_at: Moment
    url: str = Field(
        description="Where its picture is; add `?format=svg` or `?format=json`.",
        examples=[f"/dataset/{EXAMPLE_ID}/graph/histogram-price"],
    )


class GraphPage(BaseModel):
    """A page of the charts of a dataset, in the order of its columns."""

    graphs: list[Graph] = Field(description="The page.")
    next_page_token: NextPageToken


class CollaborationGraphPage(GraphPage):
    """A page of the charts of a collaboration, newest dataset first."""

    collaboration_id: str = Field(description="The group.", examples=["team-7"])


class InputFeature(BaseModel):
    """A column of the uploaded table."""

    name: str = Field(description="The column's name.", examples=["price"])
    type: str = Field(description="What its values are.", examples=["decimal"])
    role: str = Field(
        description="What it is for: `feature`, `target`, `identifier`, `constant`, `text`, `sparse`, `duplicate` or "
        "`ignored`.",
        examples=["feature"],
    )
    missing: int = Field(description="Rows without a value.", examples=[7])
    distinct: int = Field(description="Different values.", examples=[311])


class OutputFeature(BaseModel):
    """A column of the engineered table."""

    name: str = Field(description="The column's name.", examples=["price"])
    type: str = Field(description="Its storage type.", examples=["double"])
    sources: list[str] = Field(description="The uploaded columns it is computed from.", examples=[["price"]])
    why: str = Field(
        description="How it is computed, every step on the way.", examples=["Scaled to mean 0 and deviation 1."]
    )


class TargetCandidate(BaseModel):
    """A column that may be the one that a model would predict."""

    column: str = Field(description="The column.", examples=["sold"])
    score: float = Field(description="How much speaks for it; only its order has a meaning.", examples=[2.4])


class Target(BaseModel):
    """The column that a model would predict."""

    column: str | None = Field(description="The column; null where none was recognised.", examples=["sold"])
    confidence: Confidence
    why: str = Field(
        description="Why this column, or why none.", examples=["The name “sold” is typical of what a model predicts."]
    )
    candidates: list[TargetCandidate] = Field(
        description="The columns that may be meant, the best first; empty where one was asked for."
    )


class Features(BaseModel):
    """The features a model gets and the columns they come from."""

    dataset_id: DatasetId
    input_features: list[InputFeature] = Field(description="The columns of the uploaded table.")
    output_features: list[OutputFeature] = Field(description="The columns of the engineered table.")
    target: Target = Field(description="What a model would predict.")


class CleaningLog(BaseModel):
    """One line of the cleaning log."""

    step: StepNumber
    column: str | None = Field(description="The column; null where the whole table is meant.", examples=["price"])
    kind: Kind
    state: StepStateField
    why: Why
    rule: Rule
    confidence: Confidence
    cells_changed: int = Field(description="Cells it changed.", examples=[7])
    parameters: Parameters
    created_at: Moment


class OutlierLog(BaseModel):
    """One line of the outlier log."""

    step: StepNumber
    column: str = Field(description="The column.", examples=["price"])
    method: OutlierMethod = Field(description="How outliers were found.", examples=["iqr"])
    strategy: OutlierTreatment = Field(description="What was to be done.", examples=["cap"])
    table: Literal["cleaned", "engineered"] = Field(
        description="Where it treats them: cleaned for both tables, engineered for that one alone.",
        examples=["engineered"],
    )
    state: StepStateField
    lower: float | None = Field(description="Values below this are outliers; null for none.", examples=[-3.5])
    upper: float | None = Field(description="Values above this are outliers; null for none.", examples=[98.25])
    outliers: int = Field(description="Values outside the fences.", examples=[12])
    outlier_share: float = Field(description="Their share of the values, 0 to 1.", examples=[0.012])
    cells_changed: int = Field(description="Cells the step changed.", examples=[12])
    rows_removed: int = Field(description="Rows the step removed.", examples=[0])
    why: Why
    created_at: Moment


class FeatureLog(BaseModel):
    """One line of the feature log."""

    step: StepNumber
    kind: str = Field(description="What the step does.", examples=["one_hot"])
    columns: list[str] = Field(description="The columns it reads.", examples=[["city"]])
    outputs: list[str] = Field(description="The columns it makes.", examples=[["city=Oslo", "city=Rome"]])
    state: StepStateField
    why: Why
    rule: Rule
    confidence: Confidence
    parameters: Parameters
    created_at: Moment


class CleaningLogPage(BaseModel):
    """A page of the cleaning log, in the order of the recipe."""

    dataset_id: DatasetId
    logs: list[CleaningLog] = Field(description="The page.")
    next_page_token: NextPageToken


class OutlierLogPage(BaseModel):
    """A page of the outlier log, in the order of the recipe."""

    dataset_id: DatasetId
    logs: list[OutlierLog] = Field(description="The page.")
    next_page_token: NextPageToken


class FeatureLogPage(BaseModel):
    """A page of the feature log, in the order of the recipe."""

    dataset_id: DatasetId
    logs: list[FeatureLog] = Field(description="The page.")
    next_page_token: NextPageToken


class CleaningReport(BaseModel):
    """The written report on a preparation."""

    dataset_id: DatasetId
    mode: Mode = Field(description="The mode the dataset was prepared in.", examples=["deep"])
    reasoning: str = Field(description="What was done and why, as Markdown.")
    summary: str = Field(description="The state of the data in a few sentences.")
    recommendations: str = Field(description="What the owner should do next.")
    author: str = Field(description="Who wrote it: `template`, or the name of an AI model.", examples=["template"])
    created_at: Moment


class CleanedDataset(BaseModel):
    """A prepared dataset of a collaboration."""

    dataset_id: DatasetId
    database_name: DatabaseName
    user_id: str = Field(description="Who owns it.", examples=["ada"])
    mode: Mode = Field(description="The mode it was prepared in.", examples=["fast"])
    rows: int = Field(description="Rows of the cleaned table.", examples=[998])
    columns: int = Field(description="Columns of the cleaned table.", examples=[12])
    finished_at: Moment = Field(description="When preparation ended.")
    url: str = Field(description="Where the cleaned table is.", examples=[f"/dataset/{EXAMPLE_ID}/cleaned"])


class CleanedDatasetPage(BaseModel):
    """A page of the prepared datasets of a collaboration, newest first."""

    collaboration_id: str = Field(description="The group.", examples=["team-7"])
    datasets: list[CleanedDataset] = Field(description="The page.")
    next_page_token: NextPageToken


class Change(BaseModel):
    """A changed cell."""

    row: int = Field(description="The row in the uploaded table, from 1.", examples=[17])
    column: str = Field(description="The column.", examples=["price"])
    before: str | None = Field(description="What stood there; null where nothing did.", examples=["$1,540.52"])
    after: str | None = Field(description="What stands there now; null where nothing does.", examples=["1540.52"])
    step: int = Field(description="The step of the recipe that changed it, from 1.", examples=[3])
    rule: Rule
    confidence: Confidence
    kind: ChangeKind | None = Field(
        description="What kind of change it is; null in results of version 0.1.0.", examples=["restyled"]
    )


class ChangePage(BaseModel):
    """A page of the ledger, in the order in which the changes were made."""

    dataset_id: DatasetId
    changes: list[Change] = Field(description="The page.")
    total_changes: int = Field(description="The changes on all pages together.", examples=[4211])
    next_page_token: NextPageToken


class Reject(BaseModel):
    """A line that could not be read as a row, or only mended, or a row that the contract of a recipe left out."""

    line: int = Field(
        description="Its number in the file, from 1; 0 for a row that a contract left out, which `why` names.",
        examples=[812],
    )
    why: str = Field(
        description="Why it could not be read, or what was mended.", examples=["7 fields where the header has 3"]
    )
    text: str = Field(description="The line as it is in the file, or its beginning.", examples=["a;b;c;d;;;"])
    is_mended: bool = Field(description="True if it was mended and is in the table; false if it was left out.")


class RejectPage(BaseModel):
    """A page of the lines that could not be read, or only mended, in the order of the file."""

    dataset_id: DatasetId
    rejects: list[Reject] = Field(description="The page.")
    total_rejects: int = Field(description="The lines on all pages together.", examples=[3])
    next_page_token: NextPageToken


class RowColumn(BaseModel):
    """A column of a page of rows."""

    name: str = Field(description="Its name.", examples=["price"])
    type: str = Field(description="Its storage type.", examples=["double"])


class RowsPage(BaseModel):
    """Rows of a table as values."""

    dataset_id: DatasetId
    table: RowsTable = Field(description="The table.", examples=["cleaned"])
    offset: int = Field(description="How many matching rows were skipped.", examples=[0])
    columns: list[RowColumn] = Field(description="The columns, in the order of the values.")
    rows: list[list[bool | int | float | str | None]] = Field(
        description="The rows. Moments are ISO 8601 text, as are whole numbers of more than 53 bits.",
        examples=[[[1, "Berlin", None]]],
    )
    total_rows: int = Field(description="The rows that match, on all pages together.", examples=[3])
    row_numbers: list[int] = Field(
        description="The row in the uploaded table, from 1, of each row; empty unless changes were asked for.",
        examples=[[17]],
    )
    changes: list[Change] = Field(
        description="The changes in the cells of the page, in their order; empty unless they were asked for."
    )
    next_change: int | None = Field(
        description="The offset of the first matching row behind the page that has a change in one of the columns; "
        "null if there is none or changes were not asked for.",
        examples=[212],
    )
