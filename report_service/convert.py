"""Between the contract of ReportService and our values."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from report_service.renditions import Picture
from report_service.service import Excerpt, ProfileFile, RecipeFile, TableFile
from shared.db.datasets import DatasetRecord
from shared.db.results import GraphRecord
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import profile_pb2
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.rpc.values import enum_name, enum_value, timestamp

GRAPH_MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "json": "application/json"}


def parse_table(request: pb.GetTableRequest | pb.DownloadTableRequest) -> str:
    """Which table is asked for."""
    return enum_name(pb.TableKind, request.table, field="table")


def parse_table_format(request: pb.GetTableRequest | pb.DownloadTableRequest) -> str:
    """In which format a table is asked for."""
    return enum_name(pb.TableFormat, request.format, field="format", default="csv")


def parse_graph_format(request: pb.GetGraphRequest) -> str:
    """In which format a chart is asked for."""
    return enum_name(pb.GraphFormat, request.format, field="format", default="png")


def table_message(file: TableFile, *, link: str | None) -> pb.GetTableResponse:
    """What a table is."""
    return pb.GetTableResponse(
        size_bytes=file.info.size,
        etag=file.info.etag,
        media_type=file.media_type,
        filename=file.filename,
        download_url=link or "",
    )


def picture_message(picture: Picture, *, format: str) -> pb.GetGraphResponse:
    """A chart as it is delivered."""
    return pb.GetGraphResponse(content=picture.content, media_type=GRAPH_MEDIA_TYPES[format], etag=picture.etag)


def graph_message(graph: GraphRecord) -> pb.Graph:
    """A chart that can be asked for."""
    return pb.Graph(
        graph_id=graph.graph_id,
        dataset_id=str(graph.dataset_id),
        kind=enum_value(pb.GraphKind, graph.kind),
        title=graph.title,
        columns=graph.columns,
        create_time=timestamp(graph.created_at),
        database_name=graph.database_name,
    )


def profile_message(file: ProfileFile) -> pb.GetProfileResponse:
    """What is known about an uploaded table; what the contract does not know is left out."""
    document = {**file.document, "alerts": []}
    profile = ParseDict(document, profile_pb2.Profile(), ignore_unknown_fields=True)
    profile.alerts.extend(
        profile_pb2.Alert(
            kind=alert["kind"],
            column=alert["column"] or "",
            severity=enum_value(profile_pb2.AlertSeverity, alert["severity"]),
            message=alert["message"],
            affected=alert["affected"],
        )
        for alert in file.document["alerts"]
    )
    return pb.GetProfileResponse(profile=profile, etag=file.etag)


def recipe_message(file: RecipeFile) -> pb.GetRecipeResponse:
    """A recipe as it was stored."""
    return pb.GetRecipeResponse(content=file.content, media_type="application/json", etag=file.etag)


def changes_message(page: Excerpt) -> pb.ListChangesResponse:
    """A page of the ledger; a row carries the fields of a change by their names."""
    changes = [pb.Change(**row) for row in page.rows]
    return pb.ListChangesResponse(changes=changes, next_page_token=page.next_token, total_changes=page.total)


def rejects_message(page: Excerpt) -> pb.ListRejectsResponse:
    """A page of the lines that could not be read."""
    rejects = [pb.Reject(line=row["line"], reason=row["reason"], text=row["text"]) for row in page.rows]
    return pb.ListRejectsResponse(rejects=rejects, next_page_token=page.next_token, total_rejects=page.total)


def features_message(manifest: Mapping[str, Any]) -> pb.GetFeaturesResponse:
    """The features of a dataset."""
    target = manifest["target"]
    return pb.GetFeaturesResponse(
        input_features=[
            pb.InputFeature(
                name=one["name"],
                type=one["type"],
                role=one["role"],
                missing=one["missing"],
                distinct=one["distinct"],
            )
            for one in manifest["input_features"]
        ],
        output_features=[
            pb.OutputFeature(name=one["name"], type=one["type"], sources=one["sources"], how=one["how"])
            for one in manifest["output_features"]
        ],
        target=profile_pb2.Target(
            column=target["column"] or "", confidence=target["confidence"] or 0.0, reason=target["reason"]
        ),
    )


def cleaning_log_message(row: Mapping[str, Any]) -> pb.CleaningLog:
    """A line of the cleaning log."""
    return pb.CleaningLog(
        step=row["step"],
        column=row["column_name"] or "",
        action=row["action"],
        state=enum_value(pb.StepState, row["state"]),
        reason=row["reason"],
        source=row["source"],
        confidence=row["confidence"],
        cells_changed=row["cells_changed"],
        parameters=_struct(row["parameters"]),
        create_time=timestamp(row["created_at"]),
    )


def outlier_log_message(row: Mapping[str, Any]) -> pb.OutlierLog:
    """A line of the outlier log."""
    return pb.OutlierLog(
        step=row["step"],
        column=row["column_name"],
        method=row["method"],
        strategy=row["strategy"],
        state=enum_value(pb.StepState, row["state"]),
        lower_fence=row["lower_fence"],
        upper_fence=row["upper_fence"],
        outliers=row["outliers"],
        outlier_percent=row["outlier_percent"],
        cells_changed=row["cells_changed"],
        rows_removed=row["rows_removed"],
        reason=row["reason"],
        create_time=timestamp(row["created_at"]),
    )


def feature_log_message(row: Mapping[str, Any]) -> pb.FeatureLog:
    """A line of the feature log."""
    return pb.FeatureLog(
        step=row["step"],
        action=row["action"],
        columns=row["columns"],
        outputs=row["outputs"],
        state=enum_value(pb.StepState, row["state"]),
        reason=row["reason"],
        source=row["source"],
        confidence=row["confidence"],
        parameters=_struct(row["parameters"]),
        create_time=timestamp(row["created_at"]),
    )


def report_message(dataset_id: UUID, row: Mapping[str, Any]) -> pb.CleaningReport:
    """A written report."""
    return pb.CleaningReport(
        dataset_id=str(dataset_id),
        mode=enum_value(common.Mode, row["mode"]),
        reasoning=row["reasoning"],
        summary=row["summary"],
        recommendations=row["recommendations"],
        author=row["author"],
        create_time=timestamp(row["created_at"]),
    )


def cleaned_dataset_message(dataset: DatasetRecord) -> pb.CleanedDataset:
    """A prepared dataset of a collaboration."""
    size = (dataset.run.summary or {})["cleaned"]
    return pb.CleanedDataset(
        dataset_id=str(dataset.id),
        database_name=dataset.database_name,
        user_id=dataset.user_id,
        mode=enum_value(common.Mode, dataset.mode),
        rows=size["rows"],
        columns=size["columns"],
        finish_time=timestamp(dataset.run.finished_at),
    )


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct
