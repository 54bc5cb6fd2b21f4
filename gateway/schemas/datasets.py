"""Datasets, their preparation and their owners, as JSON."""

from datetime import datetime

from pydantic import BaseModel, Field

from gateway.schemas.fields import EXAMPLE_ID, DatabaseName, DatasetId, Moment, NextPageToken, words
from shared.contracts.vocabulary import (
    AiMode,
    DatasetState,
    FillPolicy,
    Mode,
    OutlierMethod,
    OutlierStrategy,
    PrivacyMethod,
    Stage,
)


class UploadedDataset(BaseModel):
    """An accepted dataset, whose preparation has been queued; or the one first accepted under an Idempotency-Key."""

    dataset_id: DatasetId
    rows: int = Field(description="Data rows of the file.", examples=[1000])
    columns: int = Field(description="Columns of the file.", examples=[12])
    status: DatasetState = Field(
        description="`uploaded`; where the upload is a repeat, where the dataset stands by now.", examples=["uploaded"]
    )
    mode: Mode = Field(description="Who proposes the steps of the preparation.", examples=["fast"])
    database_name: DatabaseName


class Failure(BaseModel):
    """The reason for a failed preparation."""

    reason: str = Field(description="A stable name a program can switch on.", examples=["RUN_TIMEOUT"])
    detail: str = Field(description="A sentence for people.")


class ParsePlan(BaseModel):
    """The way in which the uploaded bytes were read as a table."""

    format: str = Field(
        description="`csv`, `json_records`, `json_rows`, `json_columns`, `json_lines`, `parquet`, `arrow`, `feather`, "
        "`xlsx`, `xls` or `ods`.",
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
    sheet: str | None = Field(
        description="The sheet of a workbook, with the range where one was chosen; `*` for all; null for other files.",
        examples=[None],
    )
    rejected_rows: int = Field(
        description="Rows left out because they do not fit; `/rejects` lists them.", examples=[0]
    )
    mended_rows: int = Field(
        description="Rows that were odd and are in the table as they could be mended; `/rejects` lists them too.",
        examples=[0],
    )
    notes: list[str] = Field(description="What the reader wants people to know, such as renamed columns.")


class LogLinks(BaseModel):
    """Paths of the logs."""

    cleaning: str = Field(description="What was cleaned.", examples=[f"/dataset/{EXAMPLE_ID}/logs/cleaning"])
    outliers: str = Field(
        description="What was done about outliers.", examples=[f"/dataset/{EXAMPLE_ID}/logs/outliers"]
    )
    features: str = Field(description="How features were made.", examples=[f"/dataset/{EXAMPLE_ID}/logs/features"])


class DatasetLinks(BaseModel):
    """Paths of everything about a dataset; results answer 409 until `status` is `completed`."""

    self: str = Field(description="This status.", examples=[f"/dataset/{EXAMPLE_ID}/status"])
    raw: str = Field(description="The uploaded bytes.", examples=[f"/dataset/{EXAMPLE_ID}/raw"])
    cleaned: str = Field(description="The cleaned table.", examples=[f"/dataset/{EXAMPLE_ID}/cleaned"])
    engineered: str = Field(description="The table for models.", examples=[f"/dataset/{EXAMPLE_ID}/engineered"])
    changes: str = Field(description="Every changed cell.", examples=[f"/dataset/{EXAMPLE_ID}/changes"])
    rows: str = Field(description="Rows of a table as JSON.", examples=[f"/dataset/{EXAMPLE_ID}/rows"])
    rejects: str = Field(description="Lines that could not be read.", examples=[f"/dataset/{EXAMPLE_ID}/rejects"])
    profile: str = Field(description="What is known about the table.", examples=[f"/dataset/{EXAMPLE_ID}/profile"])
    recipe: str = Field(description="The steps of the preparation.", examples=[f"/dataset/{EXAMPLE_ID}/recipe"])
    drift: str | None = Field(
        description="How the table differs from the recipe's own, or held-out rows from the rest; null without either.",
        examples=[None],
    )
    graphs: str = Field(description="The charts.", examples=[f"/dataset/{EXAMPLE_ID}/eda/graphs"])
    features: str = Field(description="Input and output features.", examples=[f"/dataset/{EXAMPLE_ID}/features"])
    utility: str = Field(description="What the preparation gains.", examples=[f"/dataset/{EXAMPLE_ID}/utility"])
    report: str | None = Field(description="The written report; null unless the mode is `deep`.", examples=[None])
    logs: LogLinks = Field(description="The logs.")


class DatasetStatus(BaseModel):
    """A dataset and where its preparation stands."""

    dataset_id: DatasetId
    database_name: DatabaseName
    filename: str = Field(description="The file name as uploaded.", examples=["sales.csv"])
    source_url: str | None = Field(description="Its address, without the query; null for an uploaded file.")
    user_id: str = Field(description="Who owns it.", examples=["anonymous"])
    collaboration_id: str | None = Field(description="The group that shares it; null for none.", examples=[None])
    mode: Mode = Field(description="Who proposes the steps.", examples=["fast"])
    status: DatasetState = Field(description="Where it stands.", examples=["processing"])
    stage: str = Field(
        description=f"The stage the run is in: {words(Stage)}; later versions may add some.", examples=["profiling"]
    )
    progress: int = Field(description="How far the run has come, in percent.", examples=[40])
    progress_info: str = Field(
        description="Stage and progress as a sentence.", examples=["Profiling the columns (40 %)."]
    )
    rows: int = Field(description="Data rows as uploaded.", examples=[1000])
    columns: int = Field(description="Columns as uploaded.", examples=[12])
    size_bytes: int = Field(description="Size of the uploaded file in bytes.", examples=[48213])
    sha256: str = Field(description="SHA-256 of the uploaded file, in hexadecimal.", examples=["9f86d081884c7d65…"])
    created_at: Moment = Field(description="When it was accepted.")
    updated_at: Moment = Field(description="When its state or progress last changed.")
    started_at: Moment = Field(description="When preparation first began; null before.")
    finished_at: Moment = Field(description="When preparation ended; null before.")
    error: Failure | None = Field(description="Why preparation failed; null unless `status` is `failed`.")
    parse_plan: ParsePlan | None = Field(description="How the file was read; null where it is not known.")
    outlier_method: OutlierMethod = Field(description="How outliers are found.", examples=["iqr"])
    outlier_strategy: OutlierStrategy = Field(description="What is done with outliers.", examples=["auto"])
    fill: FillPolicy = Field(description="Which gaps are filled in the cleaned table.", examples=["safe"])
    privacy: PrivacyMethod = Field(description="What is done with personal data.", examples=["keep"])
    recipe_of: str | None = Field(description="The dataset whose recipe was repeated; null for none.", examples=[None])
    recipe: str | None = Field(
        description="The stored recipe that was repeated, or `sha256:` and the hash of one that was sent; null for "
        "none.",
        examples=[None],
    )
    review: bool = Field(False, description="Whether its preparations end as proposals.")
    split: str | None = Field(description="The rows that are held out; null for none.", examples=[None])
    ai_info: str | None = Field(
        description="What part AI had in the preparation; null in `fast` mode and before it is completed.",
        examples=[None],
    )
    links: DatasetLinks = Field(description="Where everything about the dataset is.")


class RunEvent(BaseModel):
    """The `data` of a server-sent event; its `id` is the sequence number."""

    status: DatasetState = Field(description="Where the dataset stood.", examples=["processing"])
    attempt: int = Field(description="How many attempts had begun.", examples=[1])
    stage: str = Field(
        description=f"The stage its run was in: {words(Stage)}; later versions may add some.", examples=["profiling"]
    )
    progress: int = Field(description="How far it had come, in percent.", examples=[40])
    queue_position: int | None = Field(
        description="How many wait before it; null where it does not wait.", examples=[0]
    )
    eta_seconds: float | None = Field(
        description="Seconds until it ends, judged by runs of similar size that completed lately; null where "
        "none has, and once it has ended.",
        examples=[4.2],
    )
    created_at: Moment = Field(description="When it happened.")
    error: Failure | None = Field(description="Why preparation failed; null unless `status` is `failed`.")


class ModeUsage(BaseModel):
    """The usage of one mode by a user."""

    mode: AiMode = Field(description="The mode.", examples=["smart"])
    limit: int | None = Field(description="How many uploads a user has; null for no limit.", examples=[3])
    used: int = Field(description="How many are used.", examples=[1])
    remaining: int | None = Field(description="How many are left; null for no limit.", examples=[2])
    resets_at: datetime | None = Field(
        description="When the count starts anew; null where it does not or nothing is used.", examples=[None]
    )


class Usage(BaseModel):
    """The usage of the modes that ask a language model; an upload that none answered is given back."""

    user_id: str = Field(description="The user.", examples=["anonymous"])
    modes: list[ModeUsage] = Field(description="The modes that are counted; `fast` is not.")


class DatasetPage(BaseModel):
    """A page of datasets, newest first."""

    datasets: list[DatasetStatus] = Field(description="The page.")
    next_page_token: NextPageToken
