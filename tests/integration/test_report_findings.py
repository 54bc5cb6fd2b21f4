"""ReportService over real gRPC: what was found in a table, done to it, and could not be read of it."""

from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest

from shared.db.session import Database
from shared.errors import InvalidInput
from shared.isolation import Isolation
from shared.pb.neuralearn.report.v1 import profile_pb2
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from tests.integration.reports import RECIPE, World, failure, parquet, serving


@pytest.fixture
async def world(
    settings: Settings, isolation: Isolation, database: Database, store: ObjectStore
) -> AsyncIterator[World]:
    async with serving(settings, isolation, database, store) as world:
        yield world


async def test_the_profile(world: World) -> None:
    dataset = await world.publish()
    answer = await world.stub.GetProfile(pb.GetProfileRequest(dataset_id=str(dataset.id)), timeout=10)
    told = answer.profile
    assert answer.etag
    assert (told.rows, [column.name for column in told.columns]) == (40, ["age", "tax", "when", "city"])
    age, _, when, city = told.columns
    assert (age.type, age.missing, age.numbers.median, age.ambiguity) == ("integer", 10, 38, "")
    assert age.read_as["kind"] == "integer"
    assert not age.HasField("timestamps")
    assert (when.timestamps.first, when.numbers.HasField("mean")) == ("2024-01-01T00:00:00", False)
    assert [(one.before, one.after, one.count) for one in city.spellings] == [("OSLO", "Oslo", 1), ("rome", "Rome", 1)]
    assert city.spelling_count == 2
    assert [(one.first, one.second) for one in told.correlations] == [("age", "tax")]
    assert {part.name for part in told.quality.parts} >= {"completeness", "validity"}
    assert 0 < told.quality.score < 100
    missing = next(alert for alert in told.alerts if alert.kind == "missing_values")
    assert (missing.column, missing.severity, missing.affected) == ("age", profile_pb2.ALERT_SEVERITY_WARNING, 10)


async def test_the_recipe_comes_as_it_was_stored(world: World) -> None:
    dataset = await world.publish()
    answer = await world.stub.GetRecipe(pb.GetRecipeRequest(dataset_id=str(dataset.id)), timeout=10)
    assert (answer.content, answer.media_type) == (RECIPE, "application/json")
    assert answer.etag


async def test_changes_are_listed_by_the_page(world: World) -> None:
    dataset = await world.publish()
    request = pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=2)
    first = await world.stub.ListChanges(request, timeout=60)
    request.page_token = first.next_page_token
    second = await world.stub.ListChanges(request, timeout=60)
    changes = [*first.changes, *second.changes]
    assert [(one.row, one.column, one.step, one.rule) for one in changes] == [
        (1, "name", 1, "trim"),
        (2, "age", 2, "fill"),
        (2, "name", 3, "trim"),
    ]
    assert (changes[0].before, changes[0].after) == (" Ada", "Ada")
    assert (changes[1].HasField("before"), changes[2].HasField("after")) == (False, False)
    assert (first.total_changes, second.total_changes, second.next_page_token) == (3, 3, "")


@pytest.mark.parametrize(
    ("filters", "rows"), [({"column": "name"}, [1, 2]), ({"step": 2}, [2]), ({"column": "age", "step": 1}, [])]
)
async def test_changes_of_a_column_or_a_step(world: World, filters: dict[str, Any], rows: list[int]) -> None:
    dataset = await world.publish()
    answer = await world.stub.ListChanges(pb.ListChangesRequest(dataset_id=str(dataset.id), **filters), timeout=60)
    assert [one.row for one in answer.changes] == rows
    assert answer.total_changes == len(rows)


async def test_a_page_token_belongs_to_its_list(world: World) -> None:
    dataset, another = await world.publish(), await world.publish()
    request = pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=1)
    token = (await world.stub.ListChanges(request, timeout=60)).next_page_token
    for wrong in (
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_token=token, column="name"),
        pb.ListChangesRequest(dataset_id=str(another.id), page_token=token),
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_token="rubbish"),
        pb.ListChangesRequest(dataset_id=str(dataset.id), page_size=-1),
        pb.ListChangesRequest(dataset_id=str(dataset.id), step=-1),
    ):
        assert isinstance(await failure(world.stub.ListChanges(wrong, timeout=60)), InvalidInput)


async def test_rejects_are_there_at_once_where_there_are_any(world: World) -> None:
    dataset = await world.accept()
    request = pb.ListRejectsRequest(dataset_id=str(dataset.id), page_size=2)
    assert await world.stub.ListRejects(request, timeout=60) == pb.ListRejectsResponse()
    rubbish = pb.ListRejectsRequest(dataset_id=str(dataset.id), page_token="rubbish")
    assert isinstance(await failure(world.stub.ListRejects(rubbish, timeout=60)), InvalidInput)
    lines = {"line": [3, 5, 9], "why": ["too long"] * 3, "text": ["a,b,c", "d,e,f", "g,h,i"]}
    await world.store.put_bytes(f"datasets/{dataset.id}/rejects.parquet", parquet(pa.table(lines)))
    first = await world.stub.ListRejects(request, timeout=60)
    assert [(one.line, one.why, one.text) for one in first.rejects] == [
        (3, "too long", "a,b,c"),
        (5, "too long", "d,e,f"),
    ]
    assert first.total_rejects == 3
    request.page_token = first.next_page_token
    assert [one.line for one in (await world.stub.ListRejects(request, timeout=60)).rejects] == [9]
