"""Every response model against its message: no field is lost on the way, in either direction."""

from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from pydantic import BaseModel

from gateway.convert.answers import dataset_status
from gateway.convert.to_model import name_in_message, plain_struct, to_model
from gateway.schemas import datasets, profile, results
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as ingest
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.pb.neuralearn.report.v1 import profile_pb2, report_pb2

PAIRS: list[tuple[type[BaseModel], type[Message], set[str], set[str]]] = [
    # model, message, fields that only the model has, fields that only the message has
    (datasets.UploadedDataset, common.Dataset, set(), set(common.Dataset.DESCRIPTOR.fields_by_name)),
    (datasets.DatasetStatus, common.Dataset, {"links"}, {"run_id"}),
    (datasets.DatasetPage, ingest.ListDatasetsResponse, set(), set()),
    (datasets.Usage, ingest.GetUsageResponse, set(), set()),
    (datasets.RunEvent, pipeline.RunEvent, {"status"}, {"sequence", "state"}),
    (profile.Profile, profile_pb2.Profile, {"dataset_id"}, set()),
    (results.Graph, report_pb2.Graph, {"url"}, set()),
    (results.GraphPage, report_pb2.ListGraphsResponse, set(), set()),
    (results.CollaborationGraphPage, report_pb2.ListCollaborationGraphsResponse, {"collaboration_id"}, set()),
    (results.CleanedDataset, report_pb2.CleanedDataset, {"url"}, set()),
    (results.CleanedDatasetPage, report_pb2.ListCleanedDatasetsResponse, {"collaboration_id"}, set()),
    (results.Features, report_pb2.GetFeaturesResponse, {"dataset_id"}, set()),
    (results.CleaningLogPage, report_pb2.ListCleaningLogsResponse, {"dataset_id"}, set()),
    (results.OutlierLogPage, report_pb2.ListOutlierLogsResponse, {"dataset_id"}, set()),
    (results.FeatureLogPage, report_pb2.ListFeatureLogsResponse, {"dataset_id"}, set()),
    (results.ChangePage, report_pb2.ListChangesResponse, {"dataset_id"}, set()),
    (results.RejectPage, report_pb2.ListRejectsResponse, {"dataset_id"}, set()),
    (results.CleaningReport, report_pb2.CleaningReport, set(), set()),
]


@pytest.mark.parametrize(("model", "message", "added", "left_out"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_models_and_messages_have_the_same_fields(
    model: type[BaseModel], message: type[Message], added: set[str], left_out: set[str]
) -> None:
    assert_same_fields(model, message.DESCRIPTOR, added, left_out)


def assert_same_fields(model: type[BaseModel], descriptor: Any, added: set[str], left_out: set[str]) -> None:
    names = {name_in_message(model, name) for name in model.model_fields if name not in added}
    fields = descriptor.fields_by_name
    assert names <= set(fields)
    assert set(fields) - names <= left_out
    for name in set(model.model_fields) - added:
        inner = _model_inside(model.model_fields[name].annotation)
        if inner is not None and inner not in {pair[0] for pair in PAIRS}:
            assert_same_fields(inner, fields[name_in_message(model, name)].message_type, set(), set())


def _model_inside(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `list[Model]` or `Model | None` is about."""
    parts = [annotation, *get_args(annotation)] if get_origin(annotation) else [annotation]
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


def test_values_take_their_form() -> None:
    dataset = common.Dataset(dataset_id="d", mode=common.MODE_DEEP, state=common.DATASET_STATE_FAILED, stage="failed")
    dataset.created_at.FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
    dataset.error.reason = "TIMED_OUT"
    status = dataset_status(dataset)
    assert (status.mode, status.status, status.collaboration_id) == ("deep", "failed", None)
    assert (status.created_at, status.finished_at) == (datetime(2026, 1, 2, tzinfo=UTC), None)
    assert status.error is not None and status.error.reason == "TIMED_OUT"
    assert status.parse_plan is None


def test_seconds_and_absent_numbers() -> None:
    event = pipeline.RunEvent(state=pipeline.RUN_STATE_QUEUED, stage="queued")
    event.remaining.FromMilliseconds(1250)
    model = to_model(event, datasets.RunEvent, status="uploaded")
    assert (model.eta_seconds, model.queue_position, model.error) == (1.2, None, None)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_json_has_not_are_null(value: float) -> None:
    fences = profile_pb2.Fences(lower=value, upper=2.5)
    model = to_model(fences, profile.Fences)
    assert (model.lower, model.upper) == (None, 2.5)


def test_structs_keep_whole_numbers() -> None:
    struct = Struct()
    struct.update({"limit": 3, "share": 0.5, "names": ["a", None], "nested": {"on": True}})
    assert plain_struct(struct) == {"limit": 3, "names": ["a", None], "nested": {"on": True}, "share": 0.5}
    assert isinstance(plain_struct(struct)["limit"], int)
