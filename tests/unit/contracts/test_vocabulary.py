"""One vocabulary: protos, tables and JSON schemas know exactly its words."""

from typing import Any, get_args

import pytest
from google.protobuf.descriptor import EnumDescriptor

from gateway.schemas import datasets as schemas
from gateway.upload.fields import UploadOptions
from shared.contracts import vocabulary
from shared.contracts.charts import AnyChart
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import STAGE_SENTENCES, DatasetState, RunState, Stage, dataset_state
from shared.db.tables import runs
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pipeline
from shared.pb.neuralearn.report.v1 import profile_pb2, report_pb2
from shared.rpc.messages import enum_words


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (vocabulary.Mode, common.Mode.DESCRIPTOR),
        (vocabulary.OutlierMethod, common.OutlierMethod.DESCRIPTOR),
        (vocabulary.OutlierStrategy, common.OutlierStrategy.DESCRIPTOR),
        (vocabulary.FillPolicy, common.FillPolicy.DESCRIPTOR),
        (vocabulary.PrivacyMethod, common.PrivacyMethod.DESCRIPTOR),
        (vocabulary.DatasetState, common.DatasetState.DESCRIPTOR),
        (vocabulary.RunState, pipeline.RunState.DESCRIPTOR),
        (vocabulary.ChangeKind, report_pb2.ChangeKind.DESCRIPTOR),
        (vocabulary.TableStyle, report_pb2.TableStyle.DESCRIPTOR),
        (vocabulary.StepState, report_pb2.StepState.DESCRIPTOR),
        (vocabulary.ChartKind, report_pb2.GraphKind.DESCRIPTOR),
        (vocabulary.AlertSeverity, profile_pb2.AlertSeverity.DESCRIPTOR),
    ],
    ids=lambda value: getattr(value, "full_name", ""),
)
def test_enums_of_the_contracts_have_the_same_words(words: Any, enum: EnumDescriptor) -> None:
    assert enum_words(enum) == get_args(words)


def test_the_first_value_of_an_enum_is_its_default() -> None:
    options = RunOptions()
    assert options.mode == enum_words(common.Mode.DESCRIPTOR)[0]
    assert options.outlier_method == enum_words(common.OutlierMethod.DESCRIPTOR)[0]
    assert options.fill == enum_words(common.FillPolicy.DESCRIPTOR)[0]


def test_upload_fields_run_options_and_the_contract_agree() -> None:
    sent = {field.name for field in common.DatasetOptions.DESCRIPTOR.fields}
    # The contract has one map of roles; `keep` and `drop` are shorter ways to fill it.
    assert sent | {"dataset_url", "keep", "drop"} == set(UploadOptions.model_fields)
    reading = set(RunOptions.model_fields["reading"].default.__class__.model_fields)
    kept = set(RunOptions.model_fields) - {"reading"} | reading
    assert sent - kept == {"user_id", "collaboration_id", "webhook_url"}


def test_charts_are_of_every_kind() -> None:
    kinds = [get_args(chart.model_fields["kind"].annotation)[0] for chart in get_args(AnyChart)]
    assert tuple(kinds) == get_args(vocabulary.ChartKind)


def test_every_stage_has_its_sentence() -> None:
    assert tuple(STAGE_SENTENCES) == get_args(Stage)
    assert schemas.DatasetStatus.model_fields["stage"].description is not None
    assert all(f"`{stage}`" in schemas.DatasetStatus.model_fields["stage"].description for stage in get_args(Stage))


def test_the_database_knows_every_state_of_a_run() -> None:
    (check,) = (constraint for constraint in runs.constraints if getattr(constraint, "sqltext", None) is not None)
    assert all(f"'{state}'" in str(check.sqltext) for state in get_args(RunState))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("run_state", "attempt", "state"),
    [
        ("queued", 0, "uploaded"),
        ("queued", 1, "processing"),
        ("running", 1, "processing"),
        ("completed", 1, "completed"),
        ("failed", 4, "failed"),
        ("cancelled", 0, "cancelled"),
    ],
)
def test_the_state_of_a_dataset_follows_from_its_run(run_state: RunState, attempt: int, state: DatasetState) -> None:
    assert dataset_state(run_state, attempt) == state
