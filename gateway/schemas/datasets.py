"""The JSON the API answers with. Field names are the contract: they match the protos, the tables and the logs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Mode = Literal["fast", "smart", "deep"]
OutlierMethod = Literal["iqr", "zscore"]
OutlierStrategy = Literal["cap", "remove", "median", "null", "flag"]
Status = Literal["uploaded", "processing", "completed", "failed", "cancelled"]
StepStatus = Literal["applied", "skipped", "flagged"]
GraphType = Literal["histogram", "boxplot", "countplot", "correlation", "missingness"]

_ID = "0b6f7c2e-3a51-4c58-9d0e-7f0c1f6f3a11"
_TIME = "2026-11-23T15:59:12.531000Z"

DatasetId = Annotated[str, Field(description="The dataset's UUID.", examples=[_ID])]
DatabaseName = Annotated[
    str, Field(description="What the dataset is called: the file name without its last extension.", examples=["sales"])
]
NextPageToken = Annotated[
    str | None, Field(description="Pass it as `page_token` to get the next page; null on the last.", examples=[None])
]
StepNumber = Annotated[int, Field(description="The step's place in the recipe, from 1.", examples=[1])]
StepStatusField = Annotated[StepStatus, Field(description="What became of the step.", examples=["applied"])]
Reason = Annotated[str, Field(description="What was done and why, with the numbers.")]
Source = Annotated[
    str, Field(description="The rule or model that proposed the step.", examples=["rule:skewed-numeric"])
]
Confidence = Annotated[float, Field(description="How sure the proposer was, 0 to 1.", examples=[0.9])]
Parameters = Annotated[dict[str, Any], Field(description="The step's parameters.", examples=[{"value": 42}])]
CreatedAt = Annotated[datetime | None, Field(description="When, in UTC.", examples=[_TIME])]


class FieldProblem(BaseModel):
    """One wrong field of a request."""

    field: str = Field(description="The field's name.", examples=["mode"])
    description: str = Field(
        description="What is wrong with it.", examples=["Input should be 'fast', 'smart' or 'deep'"]
    )


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(
        description="Names the kind of problem as a URI.", examples=["urn:neuralearn:problem:invalid-input"]
    )
    title: str = Field(description="The kind of problem, in words.", examples=["The request is not valid"])
    status: int = Field(description="The HTTP status, repeated.", examples=[422])
    detail: str = Field(
        description="What happened, for people.", examples=["mode: Input should be 'fast', 'smart' or 'deep'"]
    )
    instance: str = Field(description="The path that was asked for.", examples=["/dataset/upload"])
    reason: str = Field(description="A stable name a program can switch on.", examples=["INVALID_INPUT"])
    errors: list[FieldProblem] = Field(description="The wrong fields, where there are any.")
    metadata: dict[str, str] = Field(description="Every number and name the detail mentions.", examples=[{}])
    request_id: str = Field(
        description="Quote it when reporting the problem.", examples=["4f6a0c9d5b8e4d5b9a3f0a9a6f3f8f10"]
    )


class UploadAnswer(BaseModel):
    """An accepted dataset, whose preparation has been queued; or the one first accepted under an Idempotency-Key."""

    dataset_id: DatasetId
    rows: int = Field(description="Data rows of the file.", examples=[1000])
    columns: int = Field(description="Columns of the file.", examples=[12])
    status: Status = Field(
        description="`uploaded`; where the upload is a repeat, where the dataset stands by now.", examples=["uploaded"]
    )
    mode: Mode = Field(description="Who proposes the steps of the preparation.", examples=["fast"])
    database_name: DatabaseName


class Failure(BaseModel):
    """Why a preparation failed."""

    reason: str = Field(description="A stable name a program can switch on.", examples=["RUN_TIMEOUT"])
    detail: str = Field(description="A sentence for people.")


class ParsePlan(BaseModel):
    """How the uploaded bytes were read as a table."""

    format: str = Field(
        description="`csv`, `json_records`, `json_columns`, `json_lines`, `parquet`, `arrow`, `feather`, `xlsx`, `xls` "
        "or `ods`.",
        examples=["csv"],
    )
    encoding: str | None = Field(
        description="The character encoding; null where the format has none.", examples=["utf-8"]
    )
    delimiter: str | None = Field(description="The field separator; null where the format has none.", examples=[","])
    compression: str | None = Field(
        description="`gzip`, `bzip2`, `xz`, `zstd` or `zip`; null where the file was not compressed.", examples=[None]
    )
    header_row: int | None = Field(
        description="The line (in a sheet: the row) of the header, from 1; 0 for none; null where the format has none.",
        examples=[1],
    )
    sheet: str | None = Field(description="The sheet of a workbook; null for other files.", examples=[None])
    rejected_rows: int = Field(
        description="Rows left out because they do not fit; `/rejects` lists them.", examples=[0]
    )
    notes: list[str] = Field(description="What the reader wants people to know, such as renamed columns.")


class LogLinks(BaseModel):
    """Where the logs are."""

    cleaning: str = Field(description="What was cleaned.", examples=[f"/dataset/{_ID}/logs/cleaning"])
    outliers: str = Field(description="What was done about outliers.", examples=[f"/dataset/{_ID}/logs/outliers"])
    features: str = Field(description="How features were made.", examples=[f"/dataset/{_ID}/logs/features"])


class DatasetLinks(BaseModel):
    """Where everything about a dataset is; results answer 409 until `status` is `completed`."""

    self: str = Field(description="This status.", examples=[f"/dataset/{_ID}/status"])
    raw: str = Field(description="The uploaded bytes.", examples=[f"/dataset/{_ID}/raw"])
    cleaned: str = Field(description="The cleaned table.", examples=[f"/dataset/{_ID}/cleaned"])
    engineered: str = Field(description="The table for models.", examples=[f"/dataset/{_ID}/engineered"])
    changes: str = Field(description="Every changed cell.", examples=[f"/dataset/{_ID}/changes"])
    rejects: str = Field(description="Lines that could not be read.", examples=[f"/dataset/{_ID}/rejects"])
    profile: str = Field(description="What is known about the table.", examples=[f"/dataset/{_ID}/profile"])
    recipe: str = Field(description="The steps of the preparation.", examples=[f"/dataset/{_ID}/recipe"])
    graphs: str = Field(description="The charts.", examples=[f"/dataset/{_ID}/eda/graphs"])
    features: str = Field(description="Input and output features.", examples=[f"/dataset/{_ID}/features"])
    report: str | None = Field(description="The written report; null unless the mode is `deep`.", examples=[None])
    logs: LogLinks = Field(description="The logs.")


class DatasetStatus(BaseModel):
    """A dataset and where its preparation stands."""

    dataset_id: DatasetId
    database_name: DatabaseName
    filename: str = Field(description="The file name as uploaded.", examples=["sales.csv"])
    source_url: str | None = Field(description="Where it was fetched from; null for an uploaded file.")
    user_id: str = Field(description="Who owns it.", examples=["anonymous"])
    collaboration_id: str | None = Field(description="The group that shares it; null for none.", examples=[None])
    mode: Mode = Field(description="Who proposes the steps.", examples=["fast"])
    status: Status = Field(description="Where it stands.", examples=["processing"])
    stage: str | None = Field(description="The stage the run is in; null before it starts.", examples=["profiling"])
    progress: int = Field(description="How far the run has come, 0 to 100.", examples=[40])
    progress_info: str = Field(description="Stage and percentage as a sentence.", examples=["Profiling (40 %)"])
    rows: int = Field(description="Data rows as uploaded.", examples=[1000])
    columns: int = Field(description="Columns as uploaded.", examples=[12])
    size_bytes: int = Field(description="Size of the uploaded file in bytes.", examples=[48213])
    sha256: str = Field(description="SHA-256 of the uploaded file, in hexadecimal.", examples=["9f86d081884c7d65…"])
    created_at: CreatedAt = Field(description="When it was accepted.")
    updated_at: CreatedAt = Field(description="When its state or progress last changed.")
    started_at: CreatedAt = Field(description="When preparation first began; null before.")
    finished_at: CreatedAt = Field(description="When preparation ended; null before.")
    error: Failure | None = Field(description="Why preparation failed; null unless `status` is `failed`.")
    parse_plan: ParsePlan | None = Field(description="How the file was read; null where it is not known.")
    outlier_method: OutlierMethod = Field(description="How outliers are found.", examples=["iqr"])
    outlier_strategy: OutlierStrategy = Field(description="What is done with outliers.", examples=["cap"])
    ai_info: str | None = Field(
        description="What part AI had in the preparation; null in `fast` mode and before it is completed.",
        examples=[None],
    )
    links: DatasetLinks = Field(description="Where everything about the dataset is.")


class RunEvent(BaseModel):
    """What is in the `data` of a server-sent event; its `id` is the sequence number."""

    status: Status = Field(description="Where the dataset stood.", examples=["processing"])
    stage: str = Field(description="The stage its run was in.", examples=["profiling"])
    progress: int = Field(description="How far it had come, 0 to 100.", examples=[40])
    queue_position: int | None = Field(
        description="How many wait before it; null where it does not wait.", examples=[0]
    )
    eta_seconds: float | None = Field(
        description="Seconds until it ends, judged by runs of similar size that completed lately; null where "
        "none has, and once it has ended.",
        examples=[4.2],
    )
    at: CreatedAt = Field(description="When.")
    error: Failure | None = Field(description="Why preparation failed; null unless `status` is `failed`.")


class ModeUsage(BaseModel):
    """What a user has used of one mode."""

    mode: Mode = Field(description="The mode.", examples=["smart"])
    limit: int | None = Field(description="How many uploads a user has; null for no limit.", examples=[3])
    used: int = Field(description="How many are used.", examples=[1])
    remaining: int | None = Field(description="How many are left; null for no limit.", examples=[2])
    resets_at: datetime | None = Field(
        description="When the count starts anew; null where it does not or nothing is used.", examples=[None]
    )


class Usage(BaseModel):
    """What a user has used of the modes that ask a language model; an upload that none answered is given back."""

    user_id: str = Field(description="The user.", examples=["anonymous"])
    modes: list[ModeUsage] = Field(description="The modes that are counted; `fast` is not.")


class DatasetPage(BaseModel):
    """A page of datasets, newest first."""

    datasets: list[DatasetStatus] = Field(description="The page.")
    next_page_token: NextPageToken


class Graph(BaseModel):
    """A chart that can be asked for."""

    graph_id: str = Field(description="Names the chart within its dataset.", examples=["histogram-price"])
    dataset_id: DatasetId
    database_name: DatabaseName
    type: GraphType = Field(description="What the chart shows.", examples=["histogram"])
    title: str = Field(description="Its heading.", examples=["Distribution of price"])
    columns: list[str] = Field(description="The columns it shows.", examples=[["price"]])
    created_at: CreatedAt
    url: str = Field(
        description="Where its picture is; add `?format=svg` or `?format=json`.",
        examples=[f"/dataset/{_ID}/graph/histogram-price"],
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
        description="What it is for: `feature`, `target`, `identifier`, `constant` or `text`.", examples=["feature"]
    )
    missing: int = Field(description="Rows without a value.", examples=[7])
    distinct: int = Field(description="Different values.", examples=[311])


class OutputFeature(BaseModel):
    """A column of the engineered table."""

    name: str = Field(description="The column's name.", examples=["price"])
    type: str = Field(description="Its storage type.", examples=["double"])
    sources: list[str] = Field(description="The uploaded columns it is computed from.", examples=[["price"]])
    how: str = Field(description="How it is computed.", examples=["scaled to mean 0 and deviation 1"])


class Target(BaseModel):
    """What a model would predict."""

    column: str | None = Field(description="The column; null where none was recognised.", examples=["sold"])
    confidence: Confidence
    reason: str = Field(description="Why this column, or why none.")


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
    action: str = Field(description="What the step does.", examples=["fill_missing"])
    status: StepStatusField
    reason: Reason
    source: Source
    confidence: Confidence
    cells_changed: int = Field(description="Cells it changed.", examples=[7])
    parameters: Parameters
    created_at: CreatedAt


class OutlierLog(BaseModel):
    """One line of the outlier log."""

    step: StepNumber
    column: str = Field(description="The column.", examples=["price"])
    method: str = Field(description="How outliers were found: `iqr` or `zscore`.", examples=["iqr"])
    strategy: str = Field(description="What was to be done: `cap`, `remove` or `median`.", examples=["cap"])
    status: StepStatusField
    lower_fence: float | None = Field(description="Values below this are outliers; null for none.", examples=[-3.5])
    upper_fence: float | None = Field(description="Values above this are outliers; null for none.", examples=[98.25])
    outliers: int = Field(description="Values outside the fences.", examples=[12])
    outlier_percent: float | None = Field(description="The same as a percentage of the values.", examples=[1.2])
    cells_changed: int = Field(description="Cells the step changed.", examples=[12])
    rows_removed: int = Field(description="Rows the step removed.", examples=[0])
    reason: Reason
    created_at: CreatedAt


class FeatureLog(BaseModel):
    """One line of the feature log."""

    step: StepNumber
    action: str = Field(description="What the step does.", examples=["one_hot"])
    columns: list[str] = Field(description="The columns it reads.", examples=[["city"]])
    outputs: list[str] = Field(description="The columns it makes.", examples=[["city=Oslo", "city=Rome"]])
    status: StepStatusField
    reason: Reason
    source: Source
    confidence: Confidence
    parameters: Parameters
    created_at: CreatedAt


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
    """What was found and done, written for people."""

    dataset_id: DatasetId
    mode: Mode = Field(description="The mode the dataset was prepared in.", examples=["deep"])
    reasoning: str = Field(description="What was done and why, as Markdown.")
    summary: str = Field(description="The state of the data in a few sentences.")
    recommendations: str = Field(description="What the owner should do next.")
    author: str = Field(description="Who wrote it: `template`, or the name of an AI model.", examples=["template"])
    created_at: CreatedAt


class CleanedDataset(BaseModel):
    """A prepared dataset of a collaboration."""

    dataset_id: DatasetId
    database_name: DatabaseName
    user_id: str = Field(description="Who owns it.", examples=["ada"])
    mode: Mode = Field(description="The mode it was prepared in.", examples=["fast"])
    rows: int = Field(description="Rows of the cleaned table.", examples=[998])
    columns: int = Field(description="Columns of the cleaned table.", examples=[12])
    finished_at: CreatedAt = Field(description="When preparation ended.")
    url: str = Field(description="Where the cleaned table is.", examples=[f"/dataset/{_ID}/cleaned"])


class CleanedDatasetPage(BaseModel):
    """A page of the prepared datasets of a collaboration, newest first."""

    collaboration_id: str = Field(description="The group.", examples=["team-7"])
    datasets: list[CleanedDataset] = Field(description="The page.")
    next_page_token: NextPageToken
