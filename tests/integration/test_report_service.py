"""ReportService over real gRPC, PostgreSQL, storage and child processes: reading what a run published."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from report_service import renditions
from report_service.composition import build
from report_service.servicer import service
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.runs import Publication, Runs
from shared.db.session import Database
from shared.errors import Conflict, InvalidInput, NotFound, NotReady, RangeNotSatisfiable, ServiceError, Unavailable
from shared.isolation import Isolation
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.pb.neuralearn.report.v1 import report_pb2_grpc as rpc
from shared.rpc.channel import open_channel
from shared.rpc.server import running_server
from shared.rpc.status import from_rpc_error
from shared.settings import Settings
from shared.storage import ObjectStore
from tests.unit.report.charts import boxplot, correlation, draw_forever, histogram

RAW = b"name,age\nAda,36\nGrace,\n"
CLEANED = pa.table({"name": ["Ada", "Grace"], "age": [36, 36]})
CSV = b'"name","age"\n"Ada",36\n"Grace",36\n'
CHARTS = [
    {**histogram(), "graph_id": "histogram-1"},
    {**boxplot(), "graph_id": "boxplot-1"},
    {**correlation(("a", "b")), "graph_id": "correlation"},
]
STEP = {"state": "applied", "reason": "Because.", "source": "rule", "confidence": 0.5, "parameters": {"value": 36}}
PUBLICATION = Publication(
    artifacts="",
    summary={"cleaned": {"rows": 2, "columns": 2}, "engineered": {"rows": 2, "columns": 2}},
    features={
        "target": {"column": "age", "confidence": 0.4, "reason": "It is the last column."},
        "input_features": [{"name": "age", "type": "integer", "role": "target", "missing": 1, "distinct": 1}],
        "output_features": [{"name": "age", "type": "double", "sources": ["age"], "how": "as it is"}],
    },
    cleaning_logs=[
        {**STEP, "step": step, "column_name": "age", "action": "fill_missing", "cells_changed": 1}
        for step in range(1, 4)
    ],
    outlier_logs=[
        {
            "step": 4,
            "column_name": "age",
            "method": "iqr",
            "strategy": "cap",
            "state": "skipped",
            "lower_fence": 1.5,
            "upper_fence": None,
            "outliers": 0,
            "outlier_percent": 0.0,
            "cells_changed": 0,
            "rows_removed": 0,
            "reason": "None found.",
        }
    ],
    feature_logs=[{**STEP, "step": 5, "action": "scale", "columns": ["age"], "outputs": ["age"]}],
    graphs=[{name: chart[name] for name in ("graph_id", "kind", "title", "columns")} for chart in CHARTS],
    report={
        "mode": "deep",
        "reasoning": "# Why",
        "summary": "Good.",
        "recommendations": "None.",
        "author": "template",
    },
)


@dataclass
class World:
    """A report service and the places it reads from."""

    stub: "rpc.ReportServiceAsyncStub"
    database: Database
    store: ObjectStore
    scratch: Path

    async def accept(self, *, mode: str = "fast", collaboration: str | None = None) -> DatasetRecord:
        dataset_id = uuid4()
        raw_key = f"datasets/{dataset_id}/raw"
        await self.store.put_bytes(raw_key, RAW)
        dataset = NewDataset(
            id=dataset_id,
            request_id=None,
            user_id="ada",
            collaboration_id=collaboration,
            filename="people.csv",
            database_name="people",
            source_url=None,
            mode=mode,
            rows=2,
            columns=2,
            size_bytes=len(RAW),
            sha256="0" * 64,
            raw_key=raw_key,
            table_key=f"datasets/{dataset_id}/table",
            parse_plan={},
        )
        return await Datasets(self.database).accept(dataset, NewRun(id=uuid4(), queue="eda_fast", options={}))

    async def claim(self, dataset: DatasetRecord) -> UUID:
        run = await Runs(self.database).claim(dataset.run.id, lease=timedelta(minutes=1))
        assert run is not None
        assert run.lease_token is not None
        return run.lease_token

    async def publish(
        self, *, mode: str = "fast", collaboration: str | None = None, cleaned: pa.Table = CLEANED
    ) -> DatasetRecord:
        dataset = await self.accept(mode=mode, collaboration=collaboration)
        token = await self.claim(dataset)
        artifacts = f"datasets/{dataset.id}/runs/{dataset.run.id}/{token}"
        for name, table in (("cleaned", cleaned), ("engineered", CLEANED)):
            await self.store.put_bytes(f"{artifacts}/{name}.parquet", parquet(table))
        await self.store.put_bytes(f"{artifacts}/charts.json", json.dumps({"charts": CHARTS}).encode())
        published = Publication(**{**vars(PUBLICATION), "artifacts": artifacts})
        assert await Runs(self.database).publish(dataset.run.id, token, published)
        return await Datasets(self.database).get(dataset.id)

    async def download(self, dataset: DatasetRecord, **options: Any) -> bytes:
        request = pb.DownloadTableRequest(dataset_id=str(dataset.id), **options)
        return b"".join([piece.chunk async for piece in self.stub.DownloadTable(request, timeout=60)])

    async def graph(self, dataset: DatasetRecord, graph_id: str, **options: Any) -> pb.GetGraphResponse:
        request = pb.GetGraphRequest(dataset_id=str(dataset.id), graph_id=graph_id, **options)
        return await self.stub.GetGraph(request, timeout=60)

    async def renditions(self, dataset: DatasetRecord) -> list[str]:
        prefix = f"{dataset.run.artifacts}/renditions"
        return [info.key.removeprefix(f"{prefix}/") async for info in self.store.list(prefix)]


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


@pytest.fixture
async def world(
    settings: Settings, isolation: Isolation, database: Database, store: ObjectStore
) -> AsyncIterator[World]:
    async with (
        build(settings, isolation) as reports,
        running_server(service(reports), host="127.0.0.1", port=0) as port,
        open_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert settings.scratch_dir is not None
        yield World(rpc.ReportServiceStub(channel), database, store, settings.scratch_dir)


async def failure(call: Any) -> ServiceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_the_raw_table_is_there_at_once(world: World) -> None:
    dataset = await world.accept()
    described = await world.stub.GetTable(
        pb.GetTableRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_RAW), timeout=10
    )
    assert (described.size_bytes, described.media_type, described.filename) == (len(RAW), "text/csv", "people.csv")
    assert described.etag
    assert described.download_url == ""
    assert await world.download(dataset, table=pb.TABLE_KIND_RAW) == RAW


async def test_tables_come_as_csv_and_as_parquet(world: World) -> None:
    dataset = await world.publish()
    assert await world.download(dataset, table=pb.TABLE_KIND_CLEANED) == CSV
    assert await world.renditions(dataset) == ["cleaned.csv"]
    engineered = await world.download(dataset, table=pb.TABLE_KIND_ENGINEERED, format=pb.TABLE_FORMAT_PARQUET)
    assert pq.read_table(pa.BufferReader(engineered)).equals(CLEANED)
    request = pb.GetTableRequest(dataset_id=str(dataset.id), table=pb.TABLE_KIND_CLEANED)
    described = await world.stub.GetTable(request, timeout=60)
    assert (described.size_bytes, described.filename) == (len(CSV), "people-cleaned.csv")
    assert described == await world.stub.GetTable(request, timeout=60)


async def test_a_large_table_arrives_whole(world: World) -> None:
    table = pa.table({"number": range(200_000), "text": ["some words to make it longer"] * 200_000})
    dataset = await world.publish(cleaned=table)
    csv = await world.download(dataset, table=pb.TABLE_KIND_CLEANED)
    assert pyarrow.csv.read_csv(pa.BufferReader(csv)).equals(table)
    assert not list(world.scratch.glob("neuralearn-*"))


@pytest.mark.parametrize(("offset", "length"), [(0, 0), (0, 1), (7, 5), (len(CSV) - 1, 0), (3, 10**9)])
async def test_a_range_of_a_table(world: World, offset: int, length: int) -> None:
    dataset = await world.publish()
    expected = CSV[offset : offset + length] if length else CSV[offset:]
    assert await world.download(dataset, table=pb.TABLE_KIND_CLEANED, offset=offset, length=length) == expected


@pytest.mark.parametrize(("offset", "length"), [(len(RAW), 0), (10**12, 5), (-1, 0), (0, -1)])
async def test_a_range_outside_a_table(world: World, offset: int, length: int) -> None:
    dataset = await world.accept()
    error = await failure(world.download(dataset, table=pb.TABLE_KIND_RAW, offset=offset, length=length))
    assert isinstance(error, RangeNotSatisfiable)
    assert error.metadata["size"] == str(len(RAW))


async def test_the_raw_table_has_its_own_format_only(world: World) -> None:
    dataset = await world.accept()
    error = await failure(world.download(dataset, table=pb.TABLE_KIND_RAW, format=pb.TABLE_FORMAT_PARQUET))
    assert isinstance(error, InvalidInput)
    assert isinstance(await failure(world.download(dataset)), InvalidInput)


async def test_graphs_come_in_three_formats(world: World) -> None:
    dataset = await world.publish()
    png = await world.graph(dataset, "histogram-1")
    assert (png.media_type, png.content[:4]) == ("image/png", b"\x89PNG")
    svg = await world.graph(dataset, "boxplot-1", format=pb.GRAPH_FORMAT_SVG)
    assert svg.media_type == "image/svg+xml"
    assert b"<svg" in svg.content
    data = await world.graph(dataset, "correlation", format=pb.GRAPH_FORMAT_JSON)
    assert data.media_type == "application/json"
    assert json.loads(data.content) == CHARTS[2]
    assert all((png.etag, svg.etag, data.etag))
    assert await world.renditions(dataset) == ["boxplot-1.svg", "histogram-1.png"]
    assert await world.graph(dataset, "histogram-1") == png


async def test_a_rendition_wanted_by_many_is_made_once(world: World) -> None:
    dataset = await world.publish()
    with capture_logs() as lines:
        answers = await asyncio.gather(*(world.graph(dataset, "histogram-1") for _ in range(8)))
        await asyncio.gather(*(world.download(dataset, table=pb.TABLE_KIND_CLEANED) for _ in range(8)))
    assert len({answer.etag for answer in answers}) == 1
    assert len([line for line in lines if line["event"] == "rendition made"]) == 2


def devour(source: Path, target: Path) -> None:
    """Want more memory than there is."""
    bytearray(1 << 42)


async def test_a_child_out_of_time_or_memory_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = await world.publish()
    with monkeypatch.context() as patch:
        patch.setattr(renditions, "write_csv", devour)
        error = await failure(world.download(dataset, table=pb.TABLE_KIND_CLEANED))
        assert isinstance(error, Unavailable)
        assert error.reason == "RENDERING_FAILED"
    with monkeypatch.context() as patch:
        patch.setattr(renditions, "CHART_SECONDS", 0.5)
        patch.setattr(renditions, "draw", draw_forever)
        error = await failure(world.graph(dataset, "histogram-1"))
        assert isinstance(error, Unavailable)
        assert error.reason == "RENDERING_FAILED"
    assert await world.renditions(dataset) == []
    assert await world.download(dataset, table=pb.TABLE_KIND_CLEANED) == CSV


async def test_unknown_graphs(world: World) -> None:
    dataset = await world.publish()
    for name in ("histogram-9", "", "../charts", "a\0b", "x" * 100_000):
        error = await failure(world.graph(dataset, name))
        assert isinstance(error, NotFound)
        assert error.reason == "GRAPH_NOT_FOUND"


async def test_graphs_are_listed_by_the_page(world: World) -> None:
    dataset = await world.publish()
    request = pb.ListGraphsRequest(dataset_id=str(dataset.id), page_size=2)
    first = await world.stub.ListGraphs(request, timeout=10)
    request.page_token = first.next_page_token
    second = await world.stub.ListGraphs(request, timeout=10)
    assert [graph.graph_id for graph in [*first.graphs, *second.graphs]] == ["histogram-1", "boxplot-1", "correlation"]
    assert second.next_page_token == ""
    assert first.graphs[0].kind == pb.GRAPH_KIND_HISTOGRAM
    assert first.graphs[0].database_name == "people"


async def test_logs_and_features(world: World) -> None:
    dataset = await world.publish()
    name = str(dataset.id)
    cleaning = await world.stub.ListCleaningLogs(pb.ListCleaningLogsRequest(dataset_id=name), timeout=10)
    assert [log.step for log in cleaning.logs] == [1, 2, 3]
    assert cleaning.logs[0].parameters["value"] == 36
    outliers = await world.stub.ListOutlierLogs(pb.ListOutlierLogsRequest(dataset_id=name), timeout=10)
    assert outliers.logs[0].lower_fence == 1.5
    assert not outliers.logs[0].HasField("upper_fence")
    features = await world.stub.ListFeatureLogs(pb.ListFeatureLogsRequest(dataset_id=name), timeout=10)
    assert list(features.logs[0].outputs) == ["age"]
    manifest = await world.stub.GetFeatures(pb.GetFeaturesRequest(dataset_id=name), timeout=10)
    assert manifest.target.column == "age"
    assert manifest.input_features[0].missing == 1


async def test_the_report_needs_deep_mode(world: World) -> None:
    fast, deep = await world.publish(), await world.publish(mode="deep")
    error = await failure(
        world.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=str(fast.id)), timeout=10)
    )
    assert isinstance(error, Conflict)
    assert error.reason == "REPORT_NEEDS_DEEP_MODE"
    assert "mode=deep" in error.detail
    answer = await world.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=str(deep.id)), timeout=10)
    assert answer.report.mode == common.MODE_DEEP
    assert answer.report.reasoning == "# Why"


async def test_collaborations_see_what_is_prepared(world: World) -> None:
    group = f"group {uuid4()}"
    older, newer = await world.publish(collaboration=group), await world.publish(collaboration=group)
    await world.accept(collaboration=group)
    await world.publish(collaboration="another")
    datasets = await world.stub.ListCleanedDatasets(pb.ListCleanedDatasetsRequest(collaboration_id=group), timeout=10)
    assert [one.dataset_id for one in datasets.datasets] == [str(newer.id), str(older.id)]
    assert (datasets.datasets[0].rows, datasets.datasets[0].columns) == (2, 2)
    assert datasets.datasets[0].HasField("finish_time")
    graphs = await world.stub.ListCollaborationGraphs(
        pb.ListCollaborationGraphsRequest(collaboration_id=group), timeout=10
    )
    assert [graph.dataset_id for graph in graphs.graphs] == [str(newer.id)] * 3 + [str(older.id)] * 3


@pytest.mark.parametrize("name", ["", "a\0b"])
async def test_a_collaboration_has_to_be_named(world: World, name: str) -> None:
    for call in (
        world.stub.ListCleanedDatasets(pb.ListCleanedDatasetsRequest(collaboration_id=name), timeout=10),
        world.stub.ListCollaborationGraphs(pb.ListCollaborationGraphsRequest(collaboration_id=name), timeout=10),
    ):
        assert isinstance(await failure(call), InvalidInput)


async def test_results_that_are_not_there_yet(world: World) -> None:
    dataset = await world.accept()
    waiting = await failure(world.graph(dataset, "histogram-1"))
    assert isinstance(waiting, NotReady)
    assert waiting.retry_after == 2
    assert "waits for a worker" in waiting.detail
    token = await world.claim(dataset)
    await Runs(world.database).progress(dataset.run.id, token, stage="profiling", percent=20)
    running = await failure(world.download(dataset, table=pb.TABLE_KIND_CLEANED))
    assert isinstance(running, NotReady)
    assert "profiling, 20 %" in running.detail


async def test_results_that_will_never_be_there(world: World) -> None:
    dataset = await world.accept()
    token = await world.claim(dataset)
    await Runs(world.database).fail(dataset.run.id, token, reason="BAD_DATA", detail="The table is all holes.")
    error = await failure(world.stub.GetFeatures(pb.GetFeaturesRequest(dataset_id=str(dataset.id)), timeout=10))
    assert isinstance(error, Conflict)
    assert error.reason == "RUN_FAILED"
    assert "all holes" in error.detail
    assert error.metadata["failure"] == "BAD_DATA"
    assert await world.download(dataset, table=pb.TABLE_KIND_RAW) == RAW


@pytest.mark.parametrize("name", ["", "no-uuid", str(uuid4()), "x" * 50_000])
async def test_unknown_datasets(world: World, name: str) -> None:
    for call in (
        world.stub.GetTable(pb.GetTableRequest(dataset_id=name, table=pb.TABLE_KIND_RAW), timeout=10),
        world.stub.GetGraph(pb.GetGraphRequest(dataset_id=name, graph_id="correlation"), timeout=10),
        world.stub.ListCleaningLogs(pb.ListCleaningLogsRequest(dataset_id=name), timeout=10),
        world.stub.GetCleaningReport(pb.GetCleaningReportRequest(dataset_id=name), timeout=10),
    ):
        error = await failure(call)
        assert isinstance(error, NotFound)
        assert error.reason == "DATASET_NOT_FOUND"


async def test_a_wrong_page_token_is_refused(world: World) -> None:
    dataset = await world.publish()
    request = pb.ListGraphsRequest(dataset_id=str(dataset.id), page_token="rubbish")
    assert isinstance(await failure(world.stub.ListGraphs(request, timeout=10)), InvalidInput)
