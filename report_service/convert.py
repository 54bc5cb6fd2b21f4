"""Conversion between values and messages of ReportService, without side effects."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message

from report_service.renditions import Picture
from report_service.row_lists import RowPage
from report_service.row_query import QueriedRows, RowQuery
from report_service.service import ComparedVersion, DocumentFile, ProfileFile
from report_service.table_files import AnyTable, TableChoice, TableFile
from shared.contracts.vocabulary import DEFAULT_CHARSET, DEFAULT_STYLE, Charset, TableFormat, TableStyle
from shared.db.dataset_ids import parse_dataset_id
from shared.db.datasets import DatasetRecord
from shared.db.results import GraphRecord
from shared.db.versions import VersionRecord
from shared.errors import FieldError, InvalidInput
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.rpc.messages import parse_enum, to_message

M = TypeVar("M", bound=Message)

GRAPH_MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "json": "application/json"}


def parse_table_choice(request: pb.GetTableRequest | pb.DownloadTableRequest) -> TableChoice:
    """Return the requested table, and how it is to be written."""
    return TableChoice(
        table=cast(AnyTable, parse_enum(request, "table")),
        format=cast(TableFormat, parse_enum(request, "format", default="csv")),
        style=cast(TableStyle, parse_enum(request, "style", default=DEFAULT_STYLE)),
        charset=cast(Charset, parse_enum(request, "charset", default=DEFAULT_CHARSET)),
        row_id=request.row_id,
        safe_csv=request.safe_csv if request.HasField("safe_csv") else None,
        version=request.version,
    )


def parse_graph_format(request: pb.GetGraphRequest | pb.DownloadGraphsRequest) -> str:
    """Return the requested format of a chart."""
    return parse_enum(request, "format", default="png")


def table_message(file: TableFile, *, link: str | None) -> pb.GetTableResponse:
    """Return the message for a table file and its download link."""
    return to_message(file, pb.GetTableResponse, size_bytes=file.info.size, etag=file.info.etag, download_url=link)


def picture_message(picture: Picture, *, format: str) -> pb.GetGraphResponse:
    """Return the message for a rendered chart."""
    return to_message(picture, pb.GetGraphResponse, media_type=GRAPH_MEDIA_TYPES[format])


def graph_message(graph: GraphRecord) -> pb.Graph:
    """Return the message for a chart of a dataset."""
    return to_message(graph, pb.Graph)


def profile_message(file: ProfileFile) -> pb.GetProfileResponse:
    """Return the message for the profile of an uploaded table.

    Fields that the contract does not know are left out.
    """
    return to_message({"profile": file.document, "etag": file.etag}, pb.GetProfileResponse)


def version_message(record: VersionRecord) -> pb.Version:
    """Return the message for a version."""
    summary, revision = record.summary or {}, record.options.revision
    return to_message(
        record,
        pb.Version,
        mode=record.options.mode,
        switched_off=summary.get("switched_off", () if revision is None else revision.off),
        cells_changed=summary.get("cells_changed", 0),
        types=record.options.types,
        roles=record.options.roles,
        target=record.options.target or "",
        steps_added=0 if revision is None else len(revision.added),
        cells_undone=0 if revision is None else len(revision.cells),
        rows=summary.get("cleaned", {}).get("rows", 0),
    )


def drift_message(file: DocumentFile) -> pb.GetDriftResponse:
    """Return the message for the drift of a dataset."""
    return to_message(file, pb.GetDriftResponse, media_type="application/json")


def recipe_message(file: DocumentFile) -> pb.GetRecipeResponse:
    """Return the message for a stored recipe."""
    return to_message(file, pb.GetRecipeResponse, media_type="application/json")


def html_report_message(file: DocumentFile) -> pb.GetHtmlReportResponse:
    """Return the message for a report in one file."""
    return to_message(file, pb.GetHtmlReportResponse)


def parse_change_filter(request: pb.ListChangesRequest) -> dict[str, str | int]:
    """Return which changes are asked for, by column, step and kind."""
    asked: dict[str, str | int] = {
        "column": request.column,
        "step": request.step,
        "kind": parse_enum(request, "kind", default=""),
    }
    return {name: value for name, value in asked.items() if value}


def changes_message(page: RowPage) -> pb.ListChangesResponse:
    """Return the message for a page of the ledger of changes, which had no kinds in version 0.1.0."""
    changes = [{"kind": None, **row} for row in page.rows]
    return to_message(
        page, pb.ListChangesResponse, changes=changes, next_page_token=page.next_token, total_changes=page.total
    )


def parse_compared_versions(request: pb.ListDifferencesRequest) -> tuple[ComparedVersion, ComparedVersion]:
    """Return the versions that are compared.

    Raises:
        InvalidInput: the version before is not named, or a number is negative.
        NotFound: an id is none.
    """
    if request.from_version < 1 or request.to_version < 0:
        field = "from_version" if request.from_version < 1 else "to_version"
        problem = "must be the number of a version, from 1"
        raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])
    after = parse_dataset_id(request.dataset_id)
    before = parse_dataset_id(request.from_dataset_id) if request.from_dataset_id else after
    return (
        ComparedVersion(dataset_id=before, version=request.from_version),
        ComparedVersion(dataset_id=after, version=request.to_version),
    )


def differences_message(page: RowPage) -> pb.ListDifferencesResponse:
    """Return the message for a page of the cells in which two versions differ."""
    return to_message(
        page,
        pb.ListDifferencesResponse,
        differences=page.rows,
        next_page_token=page.next_token,
        total_differences=page.total,
    )


def rejects_message(page: RowPage) -> pb.ListRejectsResponse:
    """Return the message for a page of rejected rows."""
    rejects = [{"is_mended": False, **row} for row in page.rows]
    return to_message(
        page, pb.ListRejectsResponse, rejects=rejects, next_page_token=page.next_token, total_rejects=page.total
    )


def parse_queried_table(request: pb.QueryRowsRequest) -> str:
    """Return the table whose rows are asked for."""
    return parse_enum(request, "table", default="cleaned")


def row_query(request: pb.QueryRowsRequest) -> RowQuery:
    """Return the rows and columns that are asked for."""
    return RowQuery(
        offset=request.offset,
        limit=request.limit,
        columns=tuple(request.columns),
        sort=tuple(request.sort),
        filter=tuple(request.filter),
        changes=request.changes,
    )


def queried_rows_message(rows: QueriedRows) -> pb.QueryRowsResponse:
    """Return the message for the rows of a query."""
    columns = [pb.RowColumn(name=name, type=kind) for name, kind in zip(rows.names, rows.types, strict=True)]
    changes = [to_message({"kind": None, **change}, pb.Change) for change in rows.changes]
    response = pb.QueryRowsResponse(
        columns=columns,
        total_rows=rows.total,
        row_numbers=rows.row_numbers,
        changes=changes,
        next_change=rows.next_change,
    )
    for row in rows.rows:
        response.rows.add().extend(row)
    return response


def features_message(manifest: Mapping[str, Any]) -> pb.GetFeaturesResponse:
    """Return the message for the features of a dataset, which had no candidates in version 0.1.0."""
    target = {"candidates": [], **manifest["target"]}
    return to_message({**manifest, "target": target}, pb.GetFeaturesResponse)


def log_message(row: Mapping[str, Any], kind: type[M]) -> M:
    """Return the message for a log entry; the row has the columns of its table."""
    return to_message(row, kind)


def report_message(dataset_id: UUID, row: Mapping[str, Any]) -> pb.CleaningReport:
    """Return the message for a written report."""
    return to_message(row, pb.CleaningReport, dataset_id=dataset_id)


def cleaned_dataset_message(dataset: DatasetRecord) -> pb.CleanedDataset:
    """Return the message for a prepared dataset of a collaboration."""
    size = (dataset.run.summary or {})["cleaned"]
    return to_message(
        dataset,
        pb.CleanedDataset,
        dataset_id=dataset.id,
        rows=size["rows"],
        columns=size["columns"],
        finished_at=dataset.run.finished_at,
    )
