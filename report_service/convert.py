"""Between the contract of ReportService and our values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from report_service.renditions import Picture
from report_service.service import TableFile
from shared.db.datasets import DatasetRecord, unknown_dataset
from shared.db.results import GraphRecord
from shared.errors import FieldError, InvalidInput
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import report_pb2 as pb

GRAPH_MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "json": "application/json"}
_MAX_ID_CHARACTERS = 100


def parse_dataset_id(text: str) -> UUID:
    """The UUID a caller names; what is no UUID names no dataset."""
    try:
        return UUID(text)
    except ValueError:
        raise unknown_dataset(text[:_MAX_ID_CHARACTERS]) from None


def parse_table(request: pb.GetTableRequest | pb.DownloadTableRequest) -> str:
    """Which table is asked for."""
    return _text(pb.TableKind, request.table, field="table")


def parse_table_format(request: pb.GetTableRequest | pb.DownloadTableRequest) -> str:
    """In which format a table is asked for."""
    return _text(pb.TableFormat, request.format, field="format", default="csv")


def parse_graph_format(request: pb.GetGraphRequest) -> str:
    """In which format a chart is asked for."""
    return _text(pb.GraphFormat, request.format, field="format", default="png")


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
        kind=_value(pb.GraphKind, graph.kind),
        title=graph.title,
        columns=graph.columns,
        create_time=_timestamp(graph.created_at),
        database_name=graph.database_name,
    )


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
        target=pb.Target(
            column=target["column"] or "", confidence=target["confidence"] or 0.0, reason=target["reason"]
        ),
    )


def cleaning_log_message(row: Mapping[str, Any]) -> pb.CleaningLog:
    """A line of the cleaning log."""
    return pb.CleaningLog(
        step=row["step"],
        column=row["column_name"] or "",
        action=row["action"],
        state=_value(pb.StepState, row["state"]),
        reason=row["reason"],
        source=row["source"],
        confidence=row["confidence"],
        cells_changed=row["cells_changed"],
        parameters=_struct(row["parameters"]),
        create_time=_timestamp(row["created_at"]),
    )


def outlier_log_message(row: Mapping[str, Any]) -> pb.OutlierLog:
    """A line of the outlier log."""
    return pb.OutlierLog(
        step=row["step"],
        column=row["column_name"],
        method=row["method"],
        strategy=row["strategy"],
        state=_value(pb.StepState, row["state"]),
        lower_fence=row["lower_fence"],
        upper_fence=row["upper_fence"],
        outliers=row["outliers"],
        outlier_percent=row["outlier_percent"],
        cells_changed=row["cells_changed"],
        rows_removed=row["rows_removed"],
        reason=row["reason"],
        create_time=_timestamp(row["created_at"]),
    )


def feature_log_message(row: Mapping[str, Any]) -> pb.FeatureLog:
    """A line of the feature log."""
    return pb.FeatureLog(
        step=row["step"],
        action=row["action"],
        columns=row["columns"],
        outputs=row["outputs"],
        state=_value(pb.StepState, row["state"]),
        reason=row["reason"],
        source=row["source"],
        confidence=row["confidence"],
        parameters=_struct(row["parameters"]),
        create_time=_timestamp(row["created_at"]),
    )


def report_message(dataset_id: UUID, row: Mapping[str, Any]) -> pb.CleaningReport:
    """A written report."""
    return pb.CleaningReport(
        dataset_id=str(dataset_id),
        mode=_value(common.Mode, row["mode"]),
        reasoning=row["reasoning"],
        summary=row["summary"],
        recommendations=row["recommendations"],
        author=row["author"],
        create_time=_timestamp(row["created_at"]),
    )


def cleaned_dataset_message(dataset: DatasetRecord) -> pb.CleanedDataset:
    """A prepared dataset of a collaboration."""
    size = (dataset.run.summary or {})["cleaned"]
    return pb.CleanedDataset(
        dataset_id=str(dataset.id),
        database_name=dataset.database_name,
        user_id=dataset.user_id,
        mode=_value(common.Mode, dataset.mode),
        rows=size["rows"],
        columns=size["columns"],
        finish_time=_timestamp(dataset.run.finished_at),
    )


def _value(enum: Any, text: str) -> Any:
    """The enum value our name stands for: `applied` is STEP_STATE_APPLIED."""
    return enum.Value(_prefix(enum) + text.upper())


def _text(enum: Any, value: int, *, field: str, default: str | None = None) -> str:
    """Our name for an enum value; the default for one that was not said.

    Raises:
        InvalidInput: the number is unknown, or unspecified where that is not allowed.
    """
    if value == 0 and default is not None:
        return default
    if value == 0 or value not in enum.values():
        allowed = ", ".join(name for number, name in zip(enum.values(), enum.keys(), strict=True) if number)
        problem = f"must be one of {allowed}"
        raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, description=problem)])
    return str(enum.Name(value)).removeprefix(_prefix(enum)).lower()


def _prefix(enum: Any) -> str:
    return str(enum.Name(0)).removesuffix("UNSPECIFIED")


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
