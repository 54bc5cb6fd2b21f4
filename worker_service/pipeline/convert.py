"""Conversion between domain values and the messages of PipelineService."""

from collections.abc import Mapping
from uuid import UUID

from shared.db.events import RunEvent
from shared.db.runs import QueueLoad, RunRecord
from shared.errors import NotFound
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pb
from shared.queue import QUEUES
from shared.rpc.messages import to_message

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


def _failure(source: RunRecord | RunEvent) -> common.Failure | None:
    if source.error_reason is None:
        return None
    return common.Failure(reason=source.error_reason, detail=source.error_detail or "")
