"""Conversion between rows and messages of ReportService."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict

from report_service import convert
from report_service.renditions import Picture
from report_service.table_files import TableChoice, TableFile
from shared.contracts.vocabulary import ChartKind
from shared.db.dataset_ids import parse_dataset_id
from shared.db.results import GraphRecord
from shared.errors import InvalidInput, NotFound
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.storage import ObjectInfo

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)

CLEANING_ROW: dict[str, Any] = {
    "id": 7,
    "run_id": uuid4(),
    "step": 3,
    "column": None,
    "kind": "drop_duplicates",
    "state": "applied",
    "why": "2 rows were equal.",
    "rule": "duplicate_rows",
    "confidence": 0.9,
    "cells_changed": 4,
    "parameters": {"keep": "first", "nested": {"list": [1, None, "x", True, 2.5]}},
    "created_at": NOW,
}
OUTLIER_ROW: dict[str, Any] = {
    "step": 4,
    "column": "age",
    "method": "iqr",
    "strategy": "cap",
    "table": "engineered",
    "state": "flagged",
    "lower": None,
    "upper": 0.0,
    "outliers": 3,
    "outlier_share": 0.125,
    "cells_changed": 0,
    "rows_removed": 0,
    "why": "Too many to be errors.",
    "created_at": NOW,
}


def test_cleaning_logs() -> None:
    message = convert.log_message(CLEANING_ROW, pb.CleaningLog)
    assert message.column == ""
    assert message.state == pb.STEP_STATE_APPLIED
    assert message.created_at.ToDatetime(UTC) == NOW
    assert MessageToDict(message.parameters) == CLEANING_ROW["parameters"]


def test_outlier_logs_keep_a_missing_fence_apart_from_zero() -> None:
    message = convert.log_message(OUTLIER_ROW, pb.OutlierLog)
    assert not message.HasField("lower")
    assert message.HasField("upper")
    assert message.table == "engineered"
    assert message.state == pb.STEP_STATE_FLAGGED


def test_feature_logs() -> None:
    row = {**CLEANING_ROW, "columns": ["city"], "outputs": ["city_a", "city_b"], "state": "skipped"}
    message = convert.log_message(row, pb.FeatureLog)
    assert list(message.outputs) == ["city_a", "city_b"]
    assert message.state == pb.STEP_STATE_SKIPPED


@pytest.mark.parametrize("kind", get_args(ChartKind))
def test_every_kind_of_graph_has_its_value(kind: str) -> None:
    record = GraphRecord(
        graph_id=f"{kind}-1",
        dataset_id=uuid4(),
        database_name="people",
        kind=kind,
        title="Title",
        columns=["a"],
        created_at=NOW,
    )
    assert pb.GraphKind.Name(convert.graph_message(record).kind) == f"GRAPH_KIND_{kind.upper()}"


@pytest.mark.parametrize("mode", ["fast", "smart", "deep"])
def test_reports(mode: str) -> None:
    dataset_id = uuid4()
    row = {"mode": mode, "reasoning": "r", "summary": "s", "recommendations": "c", "author": "a", "created_at": NOW}
    message = convert.report_message(dataset_id, row)
    assert message.dataset_id == str(dataset_id)
    assert common.Mode.Name(message.mode) == f"MODE_{mode.upper()}"


def test_features_without_a_target() -> None:
    manifest = {
        "target": {"column": None, "confidence": 0.0, "why": "No column stands out."},
        "input_features": [{"name": "a", "type": "integer", "role": "feature", "missing": 1, "distinct": 2}],
        "output_features": [{"name": "a", "type": "double", "sources": ["a"], "why": "scaled"}],
    }
    message = convert.features_message(manifest)
    assert message.target.column == ""
    assert message.input_features[0].distinct == 2
    assert list(message.output_features[0].sources) == ["a"]


def test_tables_and_pictures() -> None:
    info = ObjectInfo(key="k", size=5, etag="e", modified_at=NOW)
    file = TableFile(info=info, media_type="text/csv", filename="a.csv")
    assert convert.table_message(file, link=None).download_url == ""
    assert convert.table_message(file, link="http://link").download_url == "http://link"
    assert convert.picture_message(Picture(b"<svg/>", "e"), format="svg").media_type == "image/svg+xml"


def test_unset_fields_have_their_documented_defaults() -> None:
    assert convert.parse_graph_format(pb.GetGraphRequest()) == "png"
    choice = convert.parse_table_choice(pb.GetTableRequest(table=pb.TABLE_KIND_RAW))
    assert choice == TableChoice(table="raw", format="csv", style="as_written", safe_csv=None)
    request = pb.DownloadTableRequest(table=pb.TABLE_KIND_CLEANED, format=pb.TABLE_FORMAT_PARQUET, safe_csv=False)
    choice = convert.parse_table_choice(request)
    assert (choice.format, choice.safe_csv) == ("parquet", False)


def test_a_table_has_to_be_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        convert.parse_table_choice(pb.GetTableRequest())
    assert caught.value.fields[0].field == "table"
    assert "TABLE_KIND_CLEANED" in caught.value.detail
    assert "UNSPECIFIED" not in caught.value.detail


def test_unknown_numbers_are_refused() -> None:
    request = pb.GetGraphRequest.FromString(b"\x18\x63")
    with pytest.raises(InvalidInput):
        convert.parse_graph_format(request)


@pytest.mark.parametrize("text", ["", "42", "x" * 100_000, "../../etc", "\0"])
def test_what_is_no_uuid_names_no_dataset(text: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse_dataset_id(text)
    assert caught.value.reason == "DATASET_NOT_FOUND"
    assert len(caught.value.detail) < 200
