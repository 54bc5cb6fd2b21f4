"""The profile of every edge-case table, from the worker through the report service to the gateway."""

import json
from typing import Any

import pyarrow as pa
import pytest

from gateway.convert.to_model import to_model
from gateway.schemas import profile as schemas
from report_service.convert import profile_message
from report_service.profile_document import trim_profile
from report_service.service import ProfileFile
from tests.conformance.frames import EDGE_CASES
from worker_service.core.profile import Profile, profile
from worker_service.core.reporting.quality import Assessment, assess
from worker_service.core.table.frame import Frame

TABLES = pytest.mark.parametrize("table", EDGE_CASES.values(), ids=EDGE_CASES)


def facts_of(table: pa.Table) -> Profile:
    frame = Frame.from_table(table)
    return profile(frame, target=frame.names[-1])


@TABLES
def test_scores_and_alerts_are_consistent(table: pa.Table) -> None:
    facts = facts_of(table)
    assessment = assess(facts)
    assert Assessment.model_validate_json(assessment.model_dump_json()) == assessment
    for part in assessment.quality.parts:
        assert 0 <= part.faults <= part.total
        assert (part.score == 100) == (part.faults == 0)
    assert 0 <= assessment.quality.score <= 100
    assert (assessment.quality.score == 100) == all(part.faults == 0 for part in assessment.quality.parts)
    for alert in assessment.alerts:
        assert 0 <= alert.affected <= table.num_rows
        assert alert.column is None or alert.column in table.column_names
        assert alert.why.endswith(".") and "\n" not in alert.why


@TABLES
def test_stored_profile_arrives(table: pa.Table) -> None:
    facts = facts_of(table)
    assessment = assess(facts)
    stored = json.loads(json.dumps({**facts.model_dump(mode="json"), **assessment.model_dump(mode="json")}))
    sent = profile_message(ProfileFile(document=trim_profile(stored), etag="x"))
    answer: dict[str, Any] = json.loads(to_model(sent.profile, schemas.Profile, dataset_id="id").model_dump_json())
    assert (answer["rows"], answer["duplicate_rows"]) == (facts.rows, facts.duplicates.count)
    assert answer["quality"] == stored["quality"]
    assert answer["alerts"] == stored["alerts"]
    for answered, column in zip(answer["columns"], stored["columns"], strict=True):
        for name in ("name", "position", "type", "storage", "why", "missing", "distinct", "invalid", "ambiguity"):
            assert answered[name] == column[name]
        for name in ("read_as", "monotonic", "duplicate_of", "sentinels", "timestamps", "text"):
            assert answered[name] == column[name]
        numbers, stored_numbers = answered["numbers"] or {}, column["numbers"] or {}
        assert bool(numbers) == bool(stored_numbers)
        for name in set(numbers) - {"iqr", "zscore"}:
            assert numbers[name] == stored_numbers[name]
        for name in {"iqr", "zscore"} & set(numbers):
            assert all(stored_numbers[name][part] == value for part, value in numbers[name].items())
