"""Conversion between domain values and the messages of PipelineService."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from uuid import UUID

from shared.contracts.revision import RevisionRequest, parse_column_choices, step_parameters
from shared.contracts.vocabulary import ExportFormat, SqlDialect
from shared.db.events import RunEvent
from shared.db.runs import QueueLoad, RunRecord
from shared.errors import FieldError, InvalidInput, NotFound
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pb
from shared.queue import QUEUES
from shared.rpc.messages import struct_values, to_message
from worker_service.core.export.facts import Export

_NO_LOAD = QueueLoad()


def parse_run_id(text: str) -> UUID:
    """Return the UUID that the text holds.

    Raises:
        NotFound: the text is not a UUID, so no run can have this id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no run {text[:100]}.", reason="RUN_NOT_FOUND") from None


def run_message(run: RunRecord) -> pb.Run:
    """Return a run as a protobuf message."""
    return to_message(run, pb.Run, run_id=run.id, error=_failure(run))


def event_message(event: RunEvent) -> pb.RunEvent:
    """Return a run event as a protobuf message."""
    return to_message(event, pb.RunEvent, error=_failure(event))


def queue_messages(loads: Mapping[str, QueueLoad]) -> list[pb.Queue]:
    """Return all queues with their loads, including the empty ones."""
    return [to_message(loads.get(name, _NO_LOAD), pb.Queue, name=name) for name in QUEUES]


def parse_export(request: pb.ExportRecipeRequest) -> tuple[ExportFormat, SqlDialect]:
    """Return the format that is asked for, and the database of a query.

    Raises:
        InvalidInput: there is no such format or database.
    """
    form: ExportFormat = _choose(request.format, get_args(ExportFormat), "format")
    dialect: SqlDialect = _choose(request.dialect or "duckdb", get_args(SqlDialect), "dialect")
    return form, dialect


def parse_trial(request: pb.TryRecipeRequest) -> RevisionRequest:
    """Return which changes of a recipe are tried."""
    return RevisionRequest(
        off=tuple(request.off),
        on=tuple(request.on),
        redo=tuple((cell.row, cell.column) for cell in request.redo),
        parameters=step_parameters(struct_values(request.parameters)),
        added=tuple(struct_values(step) for step in request.added),
        **parse_column_choices(request.types, request.roles, request.target),
    )


def _choose(text: str, choices: Sequence[str], field: str) -> Any:
    if text not in choices:
        problem = f"must be one of {', '.join(choices)}"
        raise InvalidInput(f"{field} {problem}.", fields=[FieldError(field=field, detail=problem)])
    return text


def export_message(export: Export) -> pb.ExportRecipeResponse:
    """Return an export as a protobuf message."""
    return pb.ExportRecipeResponse(
        content=export.text.encode(),
        filename=export.filename,
        media_type=export.media_type,
        left_out=[pb.LeftOutStep(step=each.step, kind=each.kind, why=each.why) for each in export.left_out],
    )


def _failure(source: RunRecord | RunEvent) -> common.Failure | None:
    if source.error_reason is None:
        return None
    return common.Failure(reason=source.error_reason, detail=source.error_detail or "")
