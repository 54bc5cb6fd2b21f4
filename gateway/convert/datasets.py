"""Protobuf to JSON models and back; pure."""

from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from google.protobuf.message import Message

from gateway.convert.values import finite, plain_struct
from gateway.schemas import datasets as schemas
from gateway.upload.fields import UploadOptions, column_types
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as ingest
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.pb.neuralearn.report.v1 import report_pb2 as report

UploadPart = ingest.UploadDatasetRequest


def upload_header(*, filename: str, request_id: str) -> UploadPart:
    """The message that opens an upload."""
    return UploadPart(header=ingest.UploadHeader(filename=filename, request_id=request_id))


def upload_chunk(data: bytes) -> UploadPart:
    """A piece of the file."""
    return UploadPart(chunk=data)


def upload_commit(*, size_bytes: int, sha256: str, options: UploadOptions) -> UploadPart:
    """The message that closes an upload and makes it count."""
    return UploadPart(commit=ingest.UploadCommit(size_bytes=size_bytes, sha256=sha256, options=_options(options)))


def import_request(*, options: UploadOptions, request_id: str) -> ingest.ImportDatasetRequest:
    """Asks ingest to fetch `options.dataset_url`."""
    return ingest.ImportDatasetRequest(
        dataset_url=options.dataset_url, request_id=request_id, options=_options(options)
    )


def table_kind(name: str) -> report.TableKind.ValueType:
    """`raw`, `cleaned`, `engineered` or `changes`."""
    return report.TableKind.Value(f"TABLE_KIND_{name.upper()}")


def table_format(name: str | None) -> report.TableFormat.ValueType:
    """`csv` or `parquet`; None for a table that has only its own."""
    return report.TableFormat.Value(f"TABLE_FORMAT_{name.upper()}" if name else "TABLE_FORMAT_UNSPECIFIED")


def graph_format(name: str) -> report.GraphFormat.ValueType:
    """`png`, `svg` or `json`."""
    return report.GraphFormat.Value(f"GRAPH_FORMAT_{name.upper()}")


def upload_answer(dataset: common.Dataset) -> schemas.UploadAnswer:
    """What an accepted upload answers."""
    return schemas.UploadAnswer(
        dataset_id=dataset.dataset_id,
        rows=dataset.rows,
        columns=dataset.columns,
        status=_status(dataset),
        mode=_mode(dataset.mode),
        database_name=dataset.database_name,
    )


def dataset_status(dataset: common.Dataset) -> schemas.DatasetStatus:
    """A dataset and where its preparation stands."""
    mode = _mode(dataset.mode)
    return schemas.DatasetStatus(
        dataset_id=dataset.dataset_id,
        database_name=dataset.database_name,
        filename=dataset.filename,
        source_url=dataset.source_url or None,
        user_id=dataset.user_id,
        collaboration_id=dataset.collaboration_id or None,
        mode=mode,
        status=_status(dataset),
        stage=dataset.stage or None,
        progress=dataset.percent,
        progress_info=dataset.progress_info,
        rows=dataset.rows,
        columns=dataset.columns,
        size_bytes=dataset.size_bytes,
        sha256=dataset.sha256,
        created_at=_time(dataset, "create_time"),
        updated_at=_time(dataset, "update_time"),
        started_at=_time(dataset, "start_time"),
        finished_at=_time(dataset, "finish_time"),
        error=_failure(dataset),
        parse_plan=_parse_plan(dataset),
        outlier_method=_word(
            common.OutlierMethod.Name(dataset.outlier_method or common.OUTLIER_METHOD_IQR), "OUTLIER_METHOD_"
        ),
        outlier_strategy=_word(
            common.OutlierStrategy.Name(dataset.outlier_strategy or common.OUTLIER_STRATEGY_CAP), "OUTLIER_STRATEGY_"
        ),
        ai_info=dataset.ai_info or None,
        links=_links(dataset.dataset_id, mode),
    )


def run_event(event: pipeline.RunEvent) -> schemas.RunEvent:
    """What happened to a run."""
    state = _word(pipeline.RunState.Name(event.state), "RUN_STATE_")
    return schemas.RunEvent(
        status=cast(schemas.Status, {"queued": "uploaded", "running": "processing"}.get(state, state)),
        stage=event.stage,
        progress=event.percent,
        queue_position=event.queue_position if event.HasField("queue_position") else None,
        eta_seconds=round(event.remaining.ToTimedelta().total_seconds(), 1) if event.HasField("remaining") else None,
        at=_time(event, "create_time"),
        error=_failure(event),
    )


def report_document(report: schemas.CleaningReport) -> str:
    """The report as one Markdown document."""
    written = f"Written by {report.author}." if report.author != "template" else "Written from the evidence alone."
    parts = (
        f"# Report on dataset {report.dataset_id}",
        written,
        report.summary,
        report.recommendations,
        report.reasoning,
    )
    return "\n\n".join(parts) + "\n"


def usage(answer: ingest.GetUsageResponse) -> schemas.Usage:
    """What a user has used."""
    return schemas.Usage(
        user_id=answer.user_id,
        modes=[
            schemas.ModeUsage(
                mode=_mode(one.mode),
                limit=one.limit if one.HasField("limit") else None,
                used=one.used,
                remaining=one.remaining if one.HasField("remaining") else None,
                resets_at=_time(one, "reset_time"),
            )
            for one in answer.modes
        ],
    )


def dataset_page(answer: ingest.ListDatasetsResponse) -> schemas.DatasetPage:
    """A page of datasets."""
    return schemas.DatasetPage(
        datasets=[dataset_status(dataset) for dataset in answer.datasets],
        next_page_token=answer.next_page_token or None,
    )


def status_path(dataset_id: str) -> str:
    """Where the status of a dataset is."""
    return f"/dataset/{dataset_id}/status"


def graph_page(answer: report.ListGraphsResponse) -> schemas.GraphPage:
    """A page of a dataset's charts."""
    return schemas.GraphPage(
        graphs=[_graph(graph) for graph in answer.graphs], next_page_token=answer.next_page_token or None
    )


def collaboration_graph_page(
    collaboration_id: str, answer: report.ListCollaborationGraphsResponse
) -> schemas.CollaborationGraphPage:
    """A page of a collaboration's charts."""
    return schemas.CollaborationGraphPage(
        collaboration_id=collaboration_id,
        graphs=[_graph(graph) for graph in answer.graphs],
        next_page_token=answer.next_page_token or None,
    )


def cleaned_dataset_page(
    collaboration_id: str, answer: report.ListCleanedDatasetsResponse
) -> schemas.CleanedDatasetPage:
    """A page of a collaboration's prepared datasets."""
    return schemas.CleanedDatasetPage(
        collaboration_id=collaboration_id,
        datasets=[
            schemas.CleanedDataset(
                dataset_id=one.dataset_id,
                database_name=one.database_name,
                user_id=one.user_id,
                mode=_mode(one.mode),
                rows=one.rows,
                columns=one.columns,
                finished_at=_time(one, "finish_time"),
                url=f"/dataset/{one.dataset_id}/cleaned",
            )
            for one in answer.datasets
        ],
        next_page_token=answer.next_page_token or None,
    )


def features(dataset_id: str, answer: report.GetFeaturesResponse) -> schemas.Features:
    """The features a model gets and the columns they come from."""
    return schemas.Features(
        dataset_id=dataset_id,
        input_features=[
            schemas.InputFeature(
                name=one.name, type=one.type, role=one.role, missing=one.missing, distinct=one.distinct
            )
            for one in answer.input_features
        ],
        output_features=[
            schemas.OutputFeature(name=one.name, type=one.type, sources=list(one.sources), how=one.how)
            for one in answer.output_features
        ],
        target=schemas.Target(
            column=answer.target.column or None,
            confidence=finite(answer.target.confidence) or 0.0,
            reason=answer.target.reason,
        ),
    )


def cleaning_log_page(dataset_id: str, answer: report.ListCleaningLogsResponse) -> schemas.CleaningLogPage:
    """A page of the cleaning log."""
    logs = [
        schemas.CleaningLog(
            step=one.step,
            column=one.column or None,
            action=one.action,
            status=_step_status(one.state),
            reason=one.reason,
            source=one.source,
            confidence=finite(one.confidence) or 0.0,
            cells_changed=one.cells_changed,
            parameters=plain_struct(one.parameters),
            created_at=_time(one, "create_time"),
        )
        for one in answer.logs
    ]
    return schemas.CleaningLogPage(dataset_id=dataset_id, logs=logs, next_page_token=answer.next_page_token or None)


def outlier_log_page(dataset_id: str, answer: report.ListOutlierLogsResponse) -> schemas.OutlierLogPage:
    """A page of the outlier log."""
    logs = [
        schemas.OutlierLog(
            step=one.step,
            column=one.column,
            method=one.method,
            strategy=one.strategy,
            status=_step_status(one.state),
            lower_fence=finite(one.lower_fence) if one.HasField("lower_fence") else None,
            upper_fence=finite(one.upper_fence) if one.HasField("upper_fence") else None,
            outliers=one.outliers,
            outlier_percent=finite(one.outlier_percent),
            cells_changed=one.cells_changed,
            rows_removed=one.rows_removed,
            reason=one.reason,
            created_at=_time(one, "create_time"),
        )
        for one in answer.logs
    ]
    return schemas.OutlierLogPage(dataset_id=dataset_id, logs=logs, next_page_token=answer.next_page_token or None)


def feature_log_page(dataset_id: str, answer: report.ListFeatureLogsResponse) -> schemas.FeatureLogPage:
    """A page of the feature log."""
    logs = [
        schemas.FeatureLog(
            step=one.step,
            action=one.action,
            columns=list(one.columns),
            outputs=list(one.outputs),
            status=_step_status(one.state),
            reason=one.reason,
            source=one.source,
            confidence=finite(one.confidence) or 0.0,
            parameters=plain_struct(one.parameters),
            created_at=_time(one, "create_time"),
        )
        for one in answer.logs
    ]
    return schemas.FeatureLogPage(dataset_id=dataset_id, logs=logs, next_page_token=answer.next_page_token or None)


def cleaning_report(answer: report.GetCleaningReportResponse) -> schemas.CleaningReport:
    """The written report."""
    return schemas.CleaningReport(
        dataset_id=answer.report.dataset_id,
        mode=_mode(answer.report.mode),
        reasoning=answer.report.reasoning,
        summary=answer.report.summary,
        recommendations=answer.report.recommendations,
        author=answer.report.author,
        created_at=_time(answer.report, "create_time"),
    )


def _options(options: UploadOptions) -> common.DatasetOptions:
    return common.DatasetOptions(
        user_id=options.user_id or "anonymous",
        collaboration_id=options.collaboration_id,
        mode=common.Mode.Value(f"MODE_{options.mode.upper()}"),
        outlier_method=common.OutlierMethod.Value(f"OUTLIER_METHOD_{options.outlier_method.upper()}"),
        outlier_strategy=common.OutlierStrategy.Value(f"OUTLIER_STRATEGY_{options.outlier_strategy.upper()}"),
        target=options.target,
        delimiter=options.delimiter,
        encoding=options.encoding,
        header_row=options.header_row,
        sheet=options.sheet,
        types=column_types(options.types),
        webhook_url=options.webhook_url,
    )


def _word(name: str, prefix: str) -> Any:
    return name.removeprefix(prefix).lower()


def _status(dataset: common.Dataset) -> schemas.Status:
    return cast(schemas.Status, _word(common.DatasetState.Name(dataset.state), "DATASET_STATE_"))


def _mode(mode: common.Mode.ValueType) -> schemas.Mode:
    return cast(schemas.Mode, _word(common.Mode.Name(mode or common.MODE_FAST), "MODE_"))


def _step_status(state: report.StepState.ValueType) -> schemas.StepStatus:
    return cast(schemas.StepStatus, _word(report.StepState.Name(state), "STEP_STATE_"))


def _time(message: Message, field: str) -> datetime | None:
    return getattr(message, field).ToDatetime(tzinfo=UTC) if message.HasField(field) else None


def _failure(what: common.Dataset | pipeline.RunEvent) -> schemas.Failure | None:
    if not what.HasField("error"):
        return None
    return schemas.Failure(reason=what.error.reason, detail=what.error.detail)


def _parse_plan(dataset: common.Dataset) -> schemas.ParsePlan | None:
    if not dataset.HasField("parse_plan"):
        return None
    plan = dataset.parse_plan
    return schemas.ParsePlan(
        format=plan.format,
        encoding=plan.encoding or None,
        delimiter=plan.delimiter or None,
        compression=plan.compression or None,
        header_row=plan.header_row if plan.HasField("header_row") else None,
        sheet=plan.sheet or None,
        rejected_rows=plan.rejected_rows,
        notes=list(plan.notes),
    )


def _links(dataset_id: str, mode: schemas.Mode) -> schemas.DatasetLinks:
    root = f"/dataset/{dataset_id}"
    return schemas.DatasetLinks(
        self=status_path(dataset_id),
        raw=f"{root}/raw",
        cleaned=f"{root}/cleaned",
        engineered=f"{root}/engineered",
        changes=f"{root}/changes",
        rejects=f"{root}/rejects",
        profile=f"{root}/profile",
        recipe=f"{root}/recipe",
        graphs=f"{root}/eda/graphs",
        features=f"{root}/features",
        report=f"{root}/report" if mode == "deep" else None,
        logs=schemas.LogLinks(
            cleaning=f"{root}/logs/cleaning", outliers=f"{root}/logs/outliers", features=f"{root}/logs/features"
        ),
    )


def _graph(graph: report.Graph) -> schemas.Graph:
    return schemas.Graph(
        graph_id=graph.graph_id,
        dataset_id=graph.dataset_id,
        database_name=graph.database_name,
        type=_word(report.GraphKind.Name(graph.kind), "GRAPH_KIND_"),
        title=graph.title,
        columns=list(graph.columns),
        created_at=_time(graph, "create_time"),
        url=f"/dataset/{graph.dataset_id}/graph/{quote(graph.graph_id, safe='')}",
    )
