"""Our values as messages."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.pb.neuralearn.report.v1 import report_pb2 as report
from shared.rpc.messages import to_message

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = {
    "sequence": 1,
    "state": "queued",
    "attempt": 1,
    "stage": "queued",
    "progress": 0,
    "queue_position": 0,
    "created_at": NOW,
    "remaining": timedelta(seconds=2),
    "error": None,
}


def test_values_take_their_form() -> None:
    message = to_message(EVENT, pipeline.RunEvent)
    assert message.state == pipeline.RUN_STATE_QUEUED
    assert message.HasField("queue_position") and message.queue_position == 0
    assert (message.created_at.ToDatetime(UTC), message.remaining.ToTimedelta()) == (NOW, timedelta(seconds=2))
    assert not message.HasField("error")


def test_a_missing_value_is_a_defect() -> None:
    incomplete = {name: value for name, value in EVENT.items() if name != "attempt"}
    with pytest.raises(KeyError, match=r"RunEvent\.attempt"):
        to_message(incomplete, pipeline.RunEvent)
    assert to_message(incomplete, pipeline.RunEvent, attempt=3).attempt == 3


def test_an_unknown_word_is_a_defect() -> None:
    with pytest.raises(KeyError):
        to_message({**EVENT, "state": "sleeping"}, pipeline.RunEvent)


def test_a_message_without_any_value_is_not_absent() -> None:
    plan = dict.fromkeys(common.ParsePlan.DESCRIPTOR.fields_by_name)
    fields = dict.fromkeys(common.Dataset.DESCRIPTOR.fields_by_name)
    assert to_message({**fields, "parse_plan": plan}, common.Dataset).HasField("parse_plan")
    assert not to_message(fields, common.Dataset).HasField("parse_plan")


def test_lists_ids_and_nested_messages() -> None:
    dataset_id = uuid4()
    graph = {
        "graph_id": "histogram-1",
        "dataset_id": dataset_id,
        "kind": "histogram",
        "title": "t",
        "columns": ["a", "b"],
        "created_at": NOW,
        "database_name": "x",
    }
    page = to_message({"graphs": [graph, graph], "next_page_token": ""}, report.ListGraphsResponse)
    assert [message.dataset_id for message in page.graphs] == [str(dataset_id)] * 2
    assert list(page.graphs[0].columns) == ["a", "b"]
