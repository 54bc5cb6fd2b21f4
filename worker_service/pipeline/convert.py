"""Between the contract of PipelineService and our values."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from shared.db.events import RunEvent
from shared.db.runs import QueueLoad, RunRecord
from shared.errors import NotFound
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pb
from shared.queue import QUEUES
from shared.rpc.values import enum_value, timestamp

_NO_LOAD = QueueLoad(ready=0, deferred=0, running=0, oldest_wait=timedelta())


def parse_run_id(text: str) -> UUID:
    """The UUID a caller names; what is no UUID names no run."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no run {text[:100]}.", reason="RUN_NOT_FOUND") from None


def run_message(run: RunRecord) -> pb.Run:
    """The run as the contract shows it."""
    return pb.Run(
        run_id=str(run.id),
        dataset_id=str(run.dataset_id),
        queue=run.queue,
        mode=enum_value(common.Mode, run.mode),
        state=enum_value(pb.RunState, run.state),
        attempt=run.attempt,
        stage=run.stage,
        percent=run.percent,
        due_time=timestamp(run.due_at),
        create_time=timestamp(run.created_at),
        start_time=timestamp(run.started_at),
        finish_time=timestamp(run.finished_at),
        error=_failure(run),
    )


def event_message(event: RunEvent) -> pb.RunEvent:
    """What happened, as the contract shows it."""
    return pb.RunEvent(
        sequence=event.sequence,
        state=enum_value(pb.RunState, event.state),
        stage=event.stage,
        percent=event.percent,
        queue_position=event.queue_position,
        create_time=timestamp(event.created_at),
        remaining=None if event.remaining is None else _duration(event.remaining),
        error=_failure(event),
    )


def queue_messages(loads: Mapping[str, QueueLoad]) -> list[pb.Queue]:
    """Every queue with its load, also those without any."""
    return [_queue_message(name, loads.get(name, _NO_LOAD)) for name in QUEUES]


def _queue_message(name: str, load: QueueLoad) -> pb.Queue:
    return pb.Queue(
        name=name,
        ready=load.ready,
        deferred=load.deferred,
        running=load.running,
        oldest_wait=_duration(load.oldest_wait),
    )


def _failure(what: RunRecord | RunEvent) -> common.Failure | None:
    if what.error_reason is None:
        return None
    return common.Failure(reason=what.error_reason, detail=what.error_detail or "")


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration
