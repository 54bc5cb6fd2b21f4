"""ReportService on real servers: reading the results of a run."""

import asyncio
import contextlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from report_service import renditions, service
from report_service.table_form import TableForm
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import Conflict, InvalidInput, NotFound, NotReady, RangeNotSatisfiable, TooLarge, Unavailable
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.rpc.status import service_errors
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from tests.integration.reports import CHARTS, CLEANED, CSV, RAW, ReportFixture, failure, serving
from tests.scratch import folders_in_use
from tests.unit.report.charts.charts import draw_forever


@pytest.fixture
async def reports(
    settings: Settings, isolation: Isolation, database: Database, store: ObjectStore
) -> AsyncIterator[ReportFixture]:
    async with serving(settings, isolation, database, store) as reports:
        yield reports


async def test_the_raw_table_is_there_at_once(reports: ReportFixture) -> None:
    dataset = await reports.accept()
    described = await reports.stub.GetTable(
        pb.GetTableRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_RAW), timeout=10
    )
    assert (described.size_bytes, described.media_type, described.filename) == (len(RAW), "text/csv", "people.csv")
    assert described.etag
    assert described.download_url == ""
    assert await reports.download(dataset, table=pb.TABLE_KIND_RAW) == RAW


async def test_tables_come_as_csv_and_as_parquet(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    assert await reports.download(dataset, table=pb.TABLE_KIND_CLEANED) == CSV
    assert await reports.renditions(dataset) == ["cleaned-as_written.csv"]
    engineered = await reports.download(dataset, table=pb.TABLE_KIND_ENGINEERED, format=pb.TABLE_FORMAT_PARQUET)
    assert pq.read_table(pa.BufferReader(engineered)).equals(CLEANED)
    request = pb.GetTableRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_CLEANED)
    described = await reports.stub.GetTable(request, timeout=60)
    assert (described.size_bytes, described.filename) == (len(CSV), "people-cleaned.csv")
    assert described == await reports.stub.GetTable(request, timeout=60)


async def test_a_large_table_arrives_whole(reports: ReportFixture) -> None:
    table = pa.table({"number": range(200_000), "text": ["some words to make it longer"] * 200_000})
    dataset = await reports.publish(cleaned=table)
    csv = await reports.download(dataset, table=pb.TABLE_KIND_CLEANED)
    assert pyarrow.csv.read_csv(pa.BufferReader(csv)).equals(table)
    assert folders_in_use(reports.scratch) == []


@pytest.mark.parametrize(("offset", "length"), [(0, 0), (0, 1), (7, 5), (len(CSV) - 1, 0), (3, 10**9)])
async def test_a_range_of_a_table(reports: ReportFixture, offset: int, length: int) -> None:
    dataset = await reports.publish()
    expected = CSV[offset : offset + length] if length else CSV[offset:]
    assert await reports.download(dataset, table=pb.TABLE_KIND_CLEANED, offset=offset, length=length) == expected


@pytest.mark.parametrize(("offset", "length"), [(len(RAW), 0), (10**12, 5), (-1, 0), (0, -1)])
async def test_a_range_outside_a_table(reports: ReportFixture, offset: int, length: int) -> None:
    dataset = await reports.accept()
    error = await failure(reports.download(dataset, table=pb.TABLE_KIND_RAW, offset=offset, length=length))
    assert isinstance(error, RangeNotSatisfiable)
    assert error.metadata["size"] == str(len(RAW))


async def test_the_raw_table_has_its_own_format_only(reports: ReportFixture) -> None:
    dataset = await reports.accept()
    error = await failure(reports.download(dataset, table=pb.TABLE_KIND_RAW, format=pb.TABLE_FORMAT_PARQUET))
    assert isinstance(error, InvalidInput)
    assert isinstance(await failure(reports.download(dataset)), InvalidInput)


async def test_graphs_come_in_three_formats(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    png = await reports.graph(dataset, "histogram-1")
    assert (png.media_type, png.content[:4]) == ("image/png", b"\x89PNG")
    svg = await reports.graph(dataset, "boxplot-1", format=pb.GRAPH_FORMAT_SVG)
    assert svg.media_type == "image/svg+xml"
    assert b"<svg" in svg.content
    data = await reports.graph(dataset, "correlation", format=pb.GRAPH_FORMAT_JSON)
    assert data.media_type == "application/json"
    assert json.loads(data.content) == CHARTS[2]
    assert all((png.etag, svg.etag, data.etag))
    assert await reports.renditions(dataset) == ["boxplot-1.svg", "histogram-1.png"]
    assert await reports.graph(dataset, "histogram-1") == png


async def test_a_rendition_requested_by_many_is_made_once(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    with capture_logs() as lines:
        answers = await asyncio.gather(*(reports.graph(dataset, "histogram-1") for _ in range(8)))
        await asyncio.gather(*(reports.download(dataset, table=pb.TABLE_KIND_CLEANED) for _ in range(8)))
    assert len({answer.etag for answer in answers}) == 1
    assert len([line for line in lines if line["event"] == "rendition made"]) == 2


def exhaust_memory(source: Path, target: Path, form: TableForm, **given: object) -> None:
    """Allocate more memory than there is."""
    bytearray(1 << 42)


async def test_a_child_out_of_time_or_memory_is_unavailable(
    reports: ReportFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = await reports.publish()
    with monkeypatch.context() as patch:
        patch.setattr(renditions, "_write_table", exhaust_memory)
        error = await failure(reports.download(dataset, table=pb.TABLE_KIND_CLEANED))
        assert isinstance(error, TooLarge)
        assert error.reason == "CSV_TOO_LARGE"
    # It is known from then on, and nobody pays for another try.
    assert isinstance(await failure(reports.download(dataset, table=pb.TABLE_KIND_CLEANED)), TooLarge)
    with monkeypatch.context() as patch:
        patch.setattr(renditions, "CHART_SECONDS", 0.5)
        patch.setattr(renditions, "draw", draw_forever)
        error = await failure(reports.graph(dataset, "histogram-1"))
        assert isinstance(error, Unavailable)
        assert error.reason == "RENDERING_FAILED"
    assert await reports.renditions(dataset) == ["cleaned-as_written.csv.too-large"]


@pytest.mark.parametrize("form", ["png", "svg", "json"])
async def test_all_graphs_come_in_one_archive(reports: ReportFixture, form: str) -> None:
    dataset = await reports.publish()
    number = pb.GraphFormat.Value(f"GRAPH_FORMAT_{form.upper()}")
    request = pb.DownloadGraphsRequest(dataset_id=str(dataset.id), format=number)
    content = b"".join([part.chunk async for part in reports.stub.DownloadGraphs(request, timeout=60)])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{name}.{form}" for name in ("histogram-1", "boxplot-1", "correlation")]
        for member in archive.namelist():
            alone = await reports.graph(dataset, member.partition(".")[0], format=number)
            assert archive.read(member) == alone.content
    again = b"".join([part.chunk async for part in reports.stub.DownloadGraphs(request, timeout=60)])
    assert again == content


async def test_an_archive_that_nobody_takes_is_not_drawn_on(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    call = reports.stub.DownloadGraphs(pb.DownloadGraphsRequest(dataset_id=str(dataset.id)), timeout=60)
    async for _ in call:
        break
    call.cancel()
    assert (await reports.graph(dataset, "correlation")).content.startswith(b"\x89PNG")
    missing = reports.stub.DownloadGraphs(pb.DownloadGraphsRequest(dataset_id=str(uuid4())), timeout=60)
    error = await failure(anext(aiter(missing)))
    assert isinstance(error, NotFound)


async def test_unknown_graphs(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    for name in ("histogram-9", "", "../charts", "a\0b", "x" * 100_000):
        error = await failure(reports.graph(dataset, name))
        assert isinstance(error, NotFound)
        assert error.reason == "GRAPH_NOT_FOUND"


async def test_graphs_are_listed_by_the_page(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    request = pb.ListGraphsRequest(dataset_id=str(dataset.id), page_size=2)
    first = await reports.stub.ListGraphs(request, timeout=10)
    request.page_token = first.next_page_token
    second = await reports.stub.ListGraphs(request, timeout=10)
    assert [graph.graph_id for graph in [*first.graphs, *second.graphs]] == ["histogram-1", "boxplot-1", "correlation"]
    assert second.next_page_token == ""
    assert first.graphs[0].kind == pb.GRAPH_KIND_HISTOGRAM
    assert first.graphs[0].database_name == "people"


async def test_logs_and_features(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    name = str(dataset.id)
    cleaning = await reports.stub.ListCleaningLogs(pb.ListCleaningLogsRequest(dataset_id=name), timeout=10)
    assert [log.step for log in cleaning.logs] == [1, 2, 3]
    assert cleaning.logs[0].parameters["value"] == 36
    outliers = await reports.stub.ListOutlierLogs(pb.ListOutlierLogsRequest(dataset_id=name), timeout=10)
    assert outliers.logs[0].lower == 1.5
    assert not outliers.logs[0].HasField("upper")
    features = await reports.stub.ListFeatureLogs(pb.ListFeatureLogsRequest(dataset_id=name), timeout=10)
    assert list(features.logs[0].outputs) == ["age"]
    manifest = await reports.stub.GetFeatures(pb.GetFeaturesRequest(dataset_id=name), timeout=10)
    assert manifest.target.column == "age"
    assert manifest.input_features[0].missing == 1


async def test_the_report_needs_deep_mode(reports: ReportFixture) -> None:
    fast, deep = await reports.publish(), await reports.publish(mode="deep")
    error = await failure(
        reports.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=str(fast.id)), timeout=10)
    )
    assert isinstance(error, Conflict)
    assert error.reason == "REPORT_NEEDS_DEEP_MODE"
    assert "mode=deep" in error.detail
    answer = await reports.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=str(deep.id)), timeout=10)
    assert answer.report.mode == common.MODE_DEEP
    assert answer.report.reasoning == "# Why"


async def test_collaborations_see_what_is_prepared(reports: ReportFixture) -> None:
    group = f"group {uuid4()}"
    older, newer = await reports.publish(collaboration=group), await reports.publish(collaboration=group)
    await reports.accept(collaboration=group)
    await reports.publish(collaboration="another")
    datasets = await reports.stub.ListCleanedDatasets(pb.ListCleanedDatasetsRequest(collaboration_id=group), timeout=10)
    assert [dataset.dataset_id for dataset in datasets.datasets] == [str(newer.id), str(older.id)]
    assert (datasets.datasets[0].rows, datasets.datasets[0].columns) == (2, 2)
    assert datasets.datasets[0].HasField("finished_at")
    graphs = await reports.stub.ListCollaborationGraphs(
        pb.ListCollaborationGraphsRequest(collaboration_id=group), timeout=10
    )
    assert [graph.dataset_id for graph in graphs.graphs] == [str(newer.id)] * 3 + [str(older.id)] * 3


@pytest.mark.parametrize("name", ["", "a\0b"])
async def test_a_collaboration_has_to_be_named(reports: ReportFixture, name: str) -> None:
    for call in (
        reports.stub.ListCleanedDatasets(pb.ListCleanedDatasetsRequest(collaboration_id=name), timeout=10),
        reports.stub.ListCollaborationGraphs(pb.ListCollaborationGraphsRequest(collaboration_id=name), timeout=10),
    ):
        assert isinstance(await failure(call), InvalidInput)


async def test_results_that_are_not_there_yet(reports: ReportFixture) -> None:
    dataset = await reports.accept()
    waiting = await failure(reports.graph(dataset, "histogram-1"))
    assert isinstance(waiting, NotReady)
    assert waiting.retry_after == 2
    for call in (
        reports.stub.GetProfile(pb.GetProfileRequest(dataset_id=str(dataset.id)), timeout=10),
        reports.stub.GetRecipe(pb.GetRecipeRequest(dataset_id=str(dataset.id)), timeout=10),
        reports.stub.ListChanges(pb.ListChangesRequest(dataset_id=str(dataset.id)), timeout=10),
    ):
        assert isinstance(await failure(call), NotReady)
    assert "waits for a worker" in waiting.detail
    token = await reports.claim(dataset)
    await Runs(reports.database).progress(dataset.run.id, token, stage="profiling", progress=20)
    running = await failure(reports.download(dataset, table=pb.TABLE_KIND_CLEANED))
    assert isinstance(running, NotReady)
    assert "profiling, 20 %" in running.detail


async def test_results_that_will_never_be_there(reports: ReportFixture) -> None:
    dataset = await reports.accept()
    token = await reports.claim(dataset)
    await Runs(reports.database).fail(dataset.run.id, token, reason="BAD_DATA", detail="The table is all holes.")
    error = await failure(reports.stub.GetFeatures(pb.GetFeaturesRequest(dataset_id=str(dataset.id)), timeout=10))
    assert isinstance(error, Conflict)
    assert error.reason == "RUN_FAILED"
    assert "all holes" in error.detail
    assert error.metadata["failure"] == "BAD_DATA"
    assert await reports.download(dataset, table=pb.TABLE_KIND_RAW) == RAW


@pytest.mark.parametrize("name", ["", "no-uuid", str(UUID(int=1)), "x" * 50_000])
async def test_unknown_datasets(reports: ReportFixture, name: str) -> None:
    for call in (
        reports.stub.GetTable(pb.GetTableRequest(dataset_id=name, table=pb.TABLE_KIND_RAW), timeout=10),
        reports.stub.GetGraph(pb.GetGraphRequest(dataset_id=name, graph_id="correlation"), timeout=10),
        reports.stub.ListCleaningLogs(pb.ListCleaningLogsRequest(dataset_id=name), timeout=10),
        reports.stub.GetProfile(pb.GetProfileRequest(dataset_id=name), timeout=10),
        reports.stub.GetRecipe(pb.GetRecipeRequest(dataset_id=name), timeout=10),
        reports.stub.ListChanges(pb.ListChangesRequest(dataset_id=name), timeout=10),
        reports.stub.ListRejects(pb.ListRejectsRequest(dataset_id=name), timeout=10),
        reports.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=name), timeout=10),
    ):
        error = await failure(call)
        assert isinstance(error, NotFound)
        assert error.reason == "DATASET_NOT_FOUND"


async def test_a_wrong_page_token_is_refused(reports: ReportFixture) -> None:
    dataset = await reports.publish()
    request = pb.ListGraphsRequest(dataset_id=str(dataset.id), page_token="rubbish")
    assert isinstance(await failure(reports.stub.ListGraphs(request, timeout=10)), InvalidInput)


async def test_downloads_beyond_the_limit_are_refused(reports: ReportFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_READERS", 1)
    dataset = await reports.publish()
    await reports.store.put_bytes(dataset.raw_key, b"x" * (8 << 20))
    raw = pb.DownloadTableRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_RAW)
    slow = reports.stub.DownloadTable(raw, timeout=60)
    await slow.read()
    with pytest.raises(Unavailable) as error, service_errors():
        await reports.download(dataset, table=pb.TABLE_KIND_RAW)
    assert error.value.reason == "TOO_MANY_DOWNLOADS"
    slow.cancel()
    for _ in range(100):
        with contextlib.suppress(Unavailable), service_errors():
            assert len(await reports.download(dataset, table=pb.TABLE_KIND_RAW)) == 8 << 20
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the place is not free again")
