"""Tables as downloadable files: which one a client asks for, and what a workbook says of how it was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from report_service.table_form import LoggedStep
from shared.contracts.artifacts import StoredTable
from shared.contracts.vocabulary import DEFAULT_CHARSET, DEFAULT_STYLE, Charset, TableFormat, TableStyle
from shared.db.results import Results
from shared.storage import ObjectInfo

AnyTable = Literal["raw"] | StoredTable
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IANA: Mapping[Charset, str] = {"utf8": "utf-8", "utf8_bom": "utf-8", "utf16": "utf-16", "cp1252": "windows-1252"}
_MAX_STEPS = 1000
"""Most steps of each log in a workbook."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table as a downloadable file."""

    info: ObjectInfo
    media_type: str
    filename: str


@dataclass(frozen=True, kw_only=True)
class TableChoice:
    """A table as a client asks for it."""

    table: AnyTable
    format: TableFormat
    style: TableStyle = DEFAULT_STYLE
    """How CSV of the cleaned table is written."""
    charset: Charset = DEFAULT_CHARSET
    """The encoding of CSV."""
    row_id: bool = False
    """True for the row of the uploaded table as first column; the list of changes has it anyway."""
    safe_csv: bool | None = None
    """True if CSV holds nothing that spreadsheets take for a formula; None for what the deployment says."""
    version: int = 0
    """Which version of the results; 0 for the newest."""


def media_type_of(choice: TableChoice) -> str:
    """Return the media type of a table in a format."""
    media_type = MEDIA_TYPES[f".{choice.format}"]
    is_other = choice.format == "csv" and choice.charset != DEFAULT_CHARSET
    return f"{media_type}; charset={_IANA[choice.charset]}" if is_other else media_type


def _logged_step(log: str, row: Mapping[Any, Any], *, what: str, columns: str | None) -> LoggedStep:
    return LoggedStep(
        step=row["step"],
        log=log,
        what=what,
        columns=columns or "",
        state=row["state"],
        cells_changed=row.get("cells_changed"),
        why=row["why"],
    )


async def list_steps(results: Results, run_id: UUID, version: int = 0) -> Sequence[LoggedStep]:
    """Return the first steps of each log, in their order, for people."""
    size = _MAX_STEPS
    cleaning = (await results.list_cleaning_logs(run_id, version, page_size=size, page_token="")).rows
    outliers = (await results.list_outlier_logs(run_id, version, page_size=size, page_token="")).rows
    features = (await results.list_feature_logs(run_id, version, page_size=size, page_token="")).rows
    steps = [
        *(_logged_step("cleaning", row, what=row["kind"], columns=row["column"]) for row in cleaning),
        *(_logged_step("outliers", row, what=row["strategy"], columns=row["column"]) for row in outliers),
        *(_logged_step("features", row, what=row["kind"], columns=", ".join(row["columns"])) for row in features),
    ]
    return sorted(steps, key=lambda step: step.step)
