"""The values that the service answers with, as far as programs need them; a later version may add fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self, TypedDict

from neuralearn.notebook import show_dataset

Mode = Literal["fast", "smart", "deep"]
State = Literal["uploaded", "processing", "completed", "proposed", "failed", "cancelled"]
Table = Literal["cleaned", "engineered", "changes"]
Format = Literal["csv", "parquet", "xlsx", "arrow", "jsonl"]
RowsTable = Literal["raw", "cleaned", "engineered"]
Log = Literal["cleaning", "outliers", "features"]
ENDED: tuple[State, ...] = ("completed", "proposed", "failed", "cancelled")
ByColumn = Mapping[str, str] | str
"""Words by the names of columns, as a mapping or as `name=word, name=word`."""


class RecipeChange(TypedDict, total=False):
    """What is changed of a recipe; steps are named by their places, from 1."""

    off: Sequence[int]
    """Steps that are switched off."""
    on: Sequence[int]
    """Steps that are switched on again."""
    parameters: Mapping[int, Mapping[str, Any] | None]
    """Parameters by their steps; None for a step that gets its own back."""
    add: Sequence[Mapping[str, Any]]
    """Steps that are added behind the others, as in a recipe."""
    redo: Sequence[Mapping[str, Any]]
    """Cells that were undone and are cleaned again, each with its `row` from 1 and its `column`."""
    types: Mapping[str, str | None]
    """What columns are; None for one that is recognised again. With types, roles or target nothing else is changed."""
    roles: Mapping[str, str | None]
    """What columns are for; None for one without a role."""
    target: str
    """The column to predict, or `none`."""
    etag: str
    """The entity tag of the recipe that was read; nothing is done where it is another by now."""


class Undo(TypedDict, total=False):
    """What is undone; what is named in several ways is meant once."""

    steps: Sequence[int]
    columns: Sequence[str]
    """Columns of which all steps are undone."""
    rules: Sequence[str]
    """Rules of which all steps are undone."""
    cells: Sequence[Mapping[str, Any]]
    """Cells that stay as the file has them, each with its `row` from 1 and its `column`."""
    everything: bool


class Compared(TypedDict, total=False):
    """Which cells of two versions are compared."""

    of: str
    """The dataset of the version before, where it is another of the same file."""
    column: str
    """Only the cells of this column."""


class TableForm(TypedDict, total=False):
    """How a table is written; what is not given, the service decides."""

    style: Literal["as_written", "typed", "iso"] | str
    """Of the cleaned table as CSV: unchanged values as in the file, or all as their type is written."""
    charset: Literal["utf8", "utf8_bom", "utf16", "cp1252"] | str
    """The encoding of CSV; Excel recognises utf8_bom."""
    version: int
    """Which version of the results; the newest if 0."""
    dialect: Literal["duckdb", "postgres"] | str
    """The database of an export as SQL."""
    row_id: bool
    """True for a first column `__row__` of the cleaned or engineered table: the row in the upload, from 1."""


class PrepareOptions(TypedDict, total=False):
    """The choices that steer a preparation; what is not given, the service decides."""

    mode: Mode
    outlier_method: Literal["iqr", "zscore"]
    outlier_strategy: Literal["cap", "remove", "median", "null", "flag", "auto"]
    fill: Literal["safe", "none", "all"]
    target: str
    types: ByColumn
    roles: ByColumn
    keep: Sequence[str] | str
    drop: Sequence[str] | str
    outlier_strategies: ByColumn
    units: ByColumn
    privacy: Literal["keep", "mask", "hash", "drop"]
    column_privacy: ByColumn
    contract: ByColumn
    review: bool
    """True to end as a proposal, which completes once it is applied."""
    split: str
    """Rows that are held out, as `0.2`, `fold=test` or `day>=2026-02-01`."""


class UploadOptions(PrepareOptions, total=False):
    """The choices of an upload."""

    recipe_of: str
    """A prepared dataset: its recipe is repeated, and of the other choices how to prepare only `contract` is given."""
    recipe: Mapping[str, Any] | str
    """A recipe that is repeated likewise: one that is stored, by its id, or one as JSON."""
    user_id: str
    collaboration_id: str
    delimiter: str
    encoding: str
    header_row: int
    sheet: str
    webhook_url: str


@dataclass(frozen=True)
class Answer:
    """The base of values that are made from the JSON of an answer."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the value of an object; fields that are not known here are left out."""
        return cls(**{field.name: document.get(field.name) for field in fields(cls)})


@dataclass(frozen=True)
class Failure(Answer):
    """The reason for a failed preparation: a stable name for programs, and a sentence."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Dataset(Answer):
    """A dataset and where its preparation stands."""

    dataset_id: str
    database_name: str
    filename: str
    user_id: str
    collaboration_id: str | None
    mode: Mode
    status: State
    stage: str
    progress: int
    """How far the preparation has come, in percent."""
    progress_info: str
    """Stage and progress as a sentence."""
    rows: int
    columns: int
    size_bytes: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Failure | None
    """Why the preparation failed; None unless it did."""
    ai_info: str | None
    recipe_of: str | None
    """The dataset whose recipe was repeated."""
    recipe: str | None
    """The stored recipe that was repeated, or `sha256:` and the hash of one that was sent."""

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what was done, and the charts if a `Client` returned this."""
        return show_dataset(self, getattr(self, "_read_report", None))

    @property
    def has_ended(self) -> bool:
        """True if nothing more will happen."""
        return self.status in ENDED

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the dataset of a status."""
        moments = {name: _moment(document.get(name)) for name in ("created_at", "started_at", "finished_at")}
        return super().from_json({**document, **moments, "error": _failure(document.get("error"))})


@dataclass(frozen=True)
class Event(Answer):
    """A change of status, stage or percentage."""

    status: State
    attempt: int
    stage: str
    progress: int
    queue_position: int | None
    eta_seconds: float | None
    created_at: datetime
    error: Failure | None

    @property
    def has_ended(self) -> bool:
        """True if nothing more will happen."""
        return self.status in ENDED

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the event of the `data` of a server-sent event."""
        created_at, error = _moment(document.get("created_at")), _failure(document.get("error"))
        return super().from_json({**document, "created_at": created_at, "error": error})


@dataclass(frozen=True)
class Queue(Answer):
    """The work in one queue."""

    name: str
    ready: int
    """Runs that are due and wait for a worker."""
    deferred: int
    """Runs whose next attempt is not due yet."""
    running: int
    oldest_wait_seconds: float
    completed: int
    """Runs that completed within the last hour."""
    failed: int
    """Runs that failed within the last hour."""


@dataclass(frozen=True)
class RedisServer(Answer):
    """What Redis says of itself."""

    version: str
    used_memory_bytes: int
    max_memory_bytes: int
    """0 for no limit."""
    clients: int
    hit_rate: float | None


@dataclass(frozen=True)
class Queues:
    """The queues, and the server that delivers from them; None while it does not answer."""

    queues: tuple[Queue, ...]
    redis: RedisServer | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the queues of an answer."""
        redis = document.get("redis")
        return cls(
            queues=tuple(Queue.from_json(queue) for queue in document["queues"]),
            redis=None if redis is None else RedisServer.from_json(redis),
        )


@dataclass(frozen=True)
class Worker(Answer):
    """A worker process that gave a sign of life lately."""

    name: str
    queue: str
    slots: int
    """How many runs it executes at once."""
    run_ids: tuple[str, ...]
    """The runs that it executes now."""
    metrics_port: int | None
    started_at: datetime
    heartbeat_at: datetime

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the worker of an object."""
        moments = {name: _moment(document.get(name)) for name in ("heartbeat_at", "started_at")}
        return super().from_json({**document, **moments, "run_ids": tuple(document["run_ids"])})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _failure(document: Mapping[str, Any] | None) -> Failure | None:
    return None if document is None else Failure.from_json(document)
