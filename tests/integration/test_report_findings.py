"""ReportService over real gRPC: profile, recipe, changes and rejects."""

from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest

from shared.db.session import Database
from shared.errors import InvalidInput
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.report.v1 import profile_pb2
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from tests.integration.reports import LEDGER, RECIPE, ReportFixture, failure, parquet, serving


@pytest.fixture
async def reports(
    settings: Settings, isolation: Isolation, database: Database, store: ObjectStore
) -> AsyncIterator[ReportFixture]:
    async with serving(settings, isolation, database, store) as reports:
        yield reports


async def test_the_profile(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    response = await reports.stub.GetProfile(pb.GetProfileRequest(dataset_id=str(dataset.id)), timeout=10)
    profile = response.profile
    assert response.etag
    assert (profile.rows, [column.name for column in profile.columns]) == (40, ["age", "tax", "when", "city"])
    age, _, when, city = profile.columns
    assert (age.type, age.missing, age.numbers.median, age.ambiguity) == ("integer", 10, 38, "")
    assert age.read_as["kind"] == "integer"
    assert not age.HasField("timestamps")
    assert (when.timestamps.first, when.numbers.HasField("mean")) == ("2024-01-01T00:00:00", False)
    spellings = [(spelling.before, spelling.after, spelling.count) for spelling in city.spellings]
    assert spellings == [("OSLO", "Oslo", 1), ("rome", "Rome", 1)]
    assert city.spelling_count == 2
    assert [(pair.first, pair.second) for pair in profile.correlations] == [("age", "tax")]
    assert {part.name for part in profile.quality.parts} >= {"completeness", "validity"}
    assert 0 < profile.quality.score < 100
    missing = next(alert for alert in profile.alerts if alert.kind == "missing_values")
    assert (missing.column, missing.severity, missing.affected) == ("age", profile_pb2.ALERT_SEVERITY_WARNING, 10)


async def test_the_recipe_comes_as_it_was_stored(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    response = await reports.stub.GetRecipe(pb.GetRecipeRequest(dataset_id=str(dataset.id)), timeout=10)
    assert (response.content, response.media_type) == (RECIPE, "application/json")
    assert response.etag


async def test_changes_are_listed_by_the_page(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    request = pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=2)
    first = await reports.stub.ListChanges(request, timeout=60)
    request.page_token = first.next_page_token
    second = await reports.stub.ListChanges(request, timeout=60)
    changes = [*first.changes, *second.changes]
    assert [(change.row, change.column, change.step, change.rule) for change in changes] == [
        (1, "name", 1, "trim"),
        (2, "age", 2, "fill"),
        (2, "name", 3, "trim"),
    ]
    assert (changes[0].before, changes[0].after) == (" Ada", "Ada")
    assert (changes[1].HasField("before"), changes[2].HasField("after")) == (False, False)
    assert (first.total_changes, second.total_changes, second.next_page_token) == (3, 3, "")


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({"column": "name"}, [1, 2]),
        ({"step": 2}, [2]),
        ({"column": "age", "step": 1}, []),
        ({"kind": pb.CHANGE_KIND_FILLED}, [2]),
        ({"column": "name", "kind": pb.CHANGE_KIND_CORRECTED}, []),
    ],
)
async def test_changes_are_filtered(reports: ReportFixture, filters: dict[str, Any], rows: list[int]) -> None:
    dataset = await reports.publish()
    response = await reports.stub.ListChanges(pb.ListChangesRequest(dataset_id=str(dataset.id), **filters), timeout=60)
    assert [change.row for change in response.changes] == rows
    assert response.total_changes == len(rows)


async def test_a_ledger_of_an_earlier_version_has_no_kinds(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    key = f"{dataset.run.artifacts}/changes.parquet"
    await reports.store.put_bytes(key, parquet(LEDGER.drop_columns(["kind"])))
    request = pb.ListChangesRequest(dataset_id=str(dataset.id))
    assert {change.kind for change in (await reports.stub.ListChanges(request, timeout=60)).changes} == {0}
    request.kind = pb.CHANGE_KIND_FILLED
    assert (await reports.stub.ListChanges(request, timeout=60)).total_changes == 0


async def test_a_page_token_belongs_to_its_list(reports: ReportFixture) -> None:
    dataset, another = await reports.publish(), await reports.publish()
    request = pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=1)
    token = (await reports.stub.ListChanges(request, timeout=60)).next_page_token
    for invalid in (
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_token=token, column="name"),
        pb.ListChangesRequest(dataset_id=str(another.id), page_token=token),
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_token="rubbish"),
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=-1),
        pb.ListChangesRequest(dataset_id=str(dataset.id), step=-1),
    ):
        assert isinstance(await failure(reports.stub.ListChanges(invalid, timeout=60)), InvalidInput)


async def test_rows_as_values(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    request = pb.QueryRowsRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_CLEANED, limit=2)
    first = await reports.stub.QueryRows(request, timeout=60)
    assert len(first.rows) == 2 and first.total_rows >= 2
    assert [len(row.values) for row in first.rows] == [len(first.columns)] * 2
    request.offset = 1
    assert (await reports.stub.QueryRows(request, timeout=60)).rows[0] == first.rows[1]
    for invalid in (
        pb.QueryRowsRequest(dataset_id=str(dataset.id), columns=["nowhere"]),
        pb.QueryRowsRequest(dataset_id=str(dataset.id), filter=["nowhere:eq:1"]),
        pb.QueryRowsRequest(dataset_id=str(dataset.id), offset=-1),
        pb.QueryRowsRequest(dataset_id=str(dataset.id), limit=-1),
    ):
        assert isinstance(await failure(reports.stub.QueryRows(invalid, timeout=60)), InvalidInput)


async def test_rejects_are_there_at_once_where_there_are_any(reports: ReportFixture) -> None:
    dataset = await reports.accept()
    request = pb.ListRejectsRequest(dataset_id=str(dataset.id), page_size=2)
    assert await reports.stub.ListRejects(request, timeout=60) == pb.ListRejectsResponse()
    invalid = pb.ListRejectsRequest(dataset_id=str(dataset.id), page_token="rubbish")
    assert isinstance(await failure(reports.stub.ListRejects(invalid, timeout=60)), InvalidInput)
    lines = {"line": [3, 5, 9], "why": ["too long"] * 3, "text": ["a,b,c", "d,e,f", "g,h,i"]}
    await reports.store.put_bytes(f"datasets/{dataset.id}/rejects.parquet", parquet(pa.table(lines)))
    first = await reports.stub.ListRejects(request, timeout=60)
    assert [(reject.line, reject.why, reject.text) for reject in first.rejects] == [
        (3, "too long", "a,b,c"),
        (5, "too long", "d,e,f"),
    ]
    assert first.total_rejects == 3
    request.page_token = first.next_page_token
    second = await reports.stub.ListRejects(request, timeout=60)
    assert [reject.line for reject in second.rejects] == [9]
