"""The words of the API and what they mean; protos, tables, REST schemas, planner and command line derive from here."""

from typing import Literal

Mode = Literal["fast", "smart", "deep"]
"""The proposer of the steps of a preparation."""
AiMode = Literal["smart", "deep"]
"""The modes that ask a language model; their uploads are counted against a quota."""
OutlierMethod = Literal["iqr", "zscore"]
"""The method that finds outliers: quartiles or standard deviations."""
OutlierTreatment = Literal["cap", "remove", "median", "null", "flag"]
"""The treatment of outliers in a table."""
OutlierStrategy = Literal["cap", "remove", "median", "null", "flag", "auto"]
"""The treatment that an uploader may ask for; `auto` flags in the cleaned table and caps in the engineered one."""
FillPolicy = Literal["safe", "none", "all"]
"""The missing cells of the cleaned table that are filled: the ordinary ones, none, or all."""
PrivacyMethod = Literal["keep", "mask", "hash", "drop"]
"""What is done with personal data: left as it is, masked, replaced by keyed hashes, or left out with its column."""
HidingMethod = Literal["mask", "hash", "drop"]
"""The methods that hide personal data."""
ChosenType = Literal["integer", "decimal", "boolean", "timestamp", "category", "text", "identifier"]
"""The column types that an uploader or a language model may name."""
TYPE_ALIASES: dict[str, ChosenType] = {
    "date": "timestamp",
    "datetime": "timestamp",
    "number": "decimal",
    "float": "decimal",
    "int": "integer",
    "bool": "boolean",
    "string": "text",
    "str": "text",
    "categorical": "category",
    "id": "identifier",
}
"""Other names of the types that an uploader may use."""
ColumnRole = Literal[
    "feature", "identifier", "target", "time", "group", "weight", "sensitive", "ignore", "keep", "drop"
]
"""What an uploader says a column is for.

A `feature` is used though it looks like an identifier. A `time` column orders the rows. A `sensitive` column is never
filled by a guess. Of `group`, `weight` and `keep` columns the engineered table has the cleaned values. An `ignore`
column is in the cleaned table only, a `drop` column in neither; nothing is computed from both."""
PASSED_ROLES: frozenset[ColumnRole] = frozenset(("group", "weight", "keep"))
"""Roles of columns that the engineered table takes over as they are."""
LEFT_OUT_ROLES: frozenset[ColumnRole] = frozenset(("ignore", "drop"))
"""Roles of columns from which nothing is computed."""
ColumnType = Literal[
    "integer", "decimal", "boolean", "timestamp", "category", "text", "identifier", "constant", "empty"
]
"""The use of a column."""
Storage = Literal["integer", "decimal", "boolean", "timestamp", "text"]
"""The type of the cells of a column, whatever the column is for."""
Phase = Literal["cleaning", "outliers", "features"]
"""The log a step belongs to: cleaning makes the cleaned table, features the engineered one, outliers either."""
ChangeKind = Literal["corrected", "filled", "emptied", "removed", "restyled", "hidden"]
"""The kind of a changed cell: it has another value, a value where there was none, or the other way round; its row is
gone; the same value is written differently; or it held personal data, which the ledger does not hold either."""
TableStyle = Literal["as_written", "typed", "iso"]
"""How the cleaned table is written as CSV: what was not changed as the file has it, everything as its type is written,
or that with every moment in full ISO 8601."""
TableFormat = Literal["csv", "parquet", "xlsx", "arrow", "jsonl"]
"""The formats that a table of results is downloaded in."""
Charset = Literal["utf8", "utf8_bom", "utf16", "cp1252"]
"""The encodings that CSV is downloaded in."""
ExportFormat = Literal["pandas", "sklearn", "sql", "pandera", "table-schema", "odcs", "croissant", "openlineage"]
"""The tools and standards that a recipe is exported to."""
SqlDialect = Literal["duckdb", "postgres"]
"""The databases that a query is written for."""
ContractMode = Literal["evolve", "freeze", "discard_row", "discard_value"]
"""What happens where another file disagrees with the contract of a recipe: the recipe deals with it, the preparation
fails, the row is left out, or the cell is emptied."""
StepState = Literal["applied", "skipped", "flagged"]
"""The outcome of a proposed step."""
ChartKind = Literal[
    "histogram",
    "boxplot",
    "countplot",
    "correlation",
    "missingness",
    "missing_patterns",
    "scatter",
    "grouped_boxplot",
    "stacked_bar",
    "timeline",
]
"""The subject of a chart."""
AlertSeverity = Literal["info", "warning", "error"]
"""The urgency of an alert."""

Role = Literal["viewer", "editor", "owner"]
"""What a member of a collaboration may do with its datasets, from the least to the most."""
Scope = Literal["read", "write", "operate"]
"""What a credential may be used for: reading, changing, or looking after the service."""
CallerKind = Literal["open", "user", "key", "service"]
"""How a caller is known: not at all, by a token, by an API key, or as a process of the service."""

RunState = Literal["queued", "running", "completed", "failed", "cancelled", "proposed"]
"""The state of a run, as workers see it."""
DatasetState = Literal["uploaded", "processing", "completed", "failed", "cancelled", "proposed"]
"""The state of a dataset, as its owner sees it."""
ENDED_STATES: tuple[RunState, ...] = ("completed", "proposed", "failed", "cancelled")

Stage = Literal[
    "queued",
    "loading",
    "profiling",
    "consulting",
    "applying",
    "charting",
    "writing",
    "publishing",
    "completed",
    "proposed",
    "failed",
    "cancelled",
]
"""The activity of a run; while it is not running, the stage equals its state."""
STAGE_SENTENCES: dict[Stage, str] = {
    "queued": "Waiting for a worker",
    "loading": "Loading the table",
    "profiling": "Profiling the columns",
    "consulting": "Asking the language model",
    "applying": "Cleaning and engineering",
    "charting": "Computing the charts",
    "writing": "Writing the tables",
    "publishing": "Publishing the results",
    "completed": "Completed",
    "proposed": "Proposed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}

DEFAULT_USER: str = "anonymous"
DEFAULT_MODE: Mode = "fast"
DEFAULT_OUTLIER_METHOD: OutlierMethod = "iqr"
DEFAULT_OUTLIER_STRATEGY: OutlierStrategy = "auto"
DEFAULT_FILL: FillPolicy = "safe"
DEFAULT_PRIVACY: PrivacyMethod = "keep"
DEFAULT_CONTRACT: ContractMode = "evolve"
DEFAULT_STYLE: TableStyle = "as_written"
DEFAULT_CHARSET: Charset = "utf8"


def dataset_state(run_state: RunState, attempt: int) -> DatasetState:
    """Return where a dataset stands, from the state of its run and the number of attempts begun so far.

    A run that waits for its second attempt is `processing`: `uploaded` means that no worker has begun it.
    """
    if run_state == "queued":
        return "processing" if attempt else "uploaded"
    return "processing" if run_state == "running" else run_state
