"""A report service on real servers, and results for it to read."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

from report_service.composition import build
from report_service.servicer import service
from shared.contracts.run_options import RunOptions
from shared.contracts.run_result import RunResult
from shared.contracts.vocabulary import Mode
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import ServiceError
from shared.identity.caller import OPEN_CALLER
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.pb.neuralearn.report.v1 import report_pb2_grpc as rpc
from shared.rpc.channel import open_channel
from shared.rpc.server import LOOPBACK, running_server
from shared.rpc.status import from_rpc_error
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from tests.unit.report.charts.charts import boxplot, correlation, histogram
from worker_service.core.profile import profile
from worker_service.core.reporting.quality import assess
from worker_service.core.table.frame import Frame

RAW = b"name,age\nAda,36\nGrace,\n"
CLEANED = pa.table({"name": ["Ada", "Grace"], "age": [36, 36]})
CSV = b'"name","age"\n"Ada",36\n"Grace",36\n'
CHARTS = [
    {**histogram(), "graph_id": "histogram-1"},
    {**boxplot(), "graph_id": "boxplot-1"},
    {**correlation(("a", "b")), "graph_id": "correlation"},
]
STEP = {"state": "applied", "why": "Because.", "rule": "rule", "confidence": 0.5, "parameters": {"value": 36}}
RESULT = RunResult(
    summary={"cleaned": {"rows": 2, "columns": 2}, "engineered": {"rows": 2, "columns": 2}},
    features={
        "target": {"column": "age", "confidence": 0.4, "why": "It is the last column."},
        "input_features": [{"name": "age", "type": "integer", "role": "target", "missing": 1, "distinct": 1}],
        "output_features": [{"name": "age", "type": "double", "sources": ["age"], "why": "as it is"}],
    },
    logs={
        "cleaning": [
            {**STEP, "step": step, "column": "age", "kind": "fill_missing", "cells_changed": 1} for step in range(1, 4)
        ],
        "outliers": [
            {
                "step": 4,
                "column": "age",
                "method": "iqr",
                "strategy": "cap",
                "table": "cleaned",
                "state": "skipped",
                "lower": 1.5,
                "upper": None,
                "outliers": 0,
                "outlier_share": 0.0,
                "cells_changed": 0,
                "rows_removed": 0,
                "why": "None found.",
            }
        ],
        "features": [{**STEP, "step": 5, "kind": "scale", "columns": ["age"], "outputs": ["age"]}],
    },
    graphs=[{name: chart[name] for name in ("graph_id", "kind", "title", "columns")} for chart in CHARTS],
    report={
        "mode": "deep",
        "reasoning": "# Why",
        "summary": "Good.",
        "recommendations": "None.",
        "author": "template",
    },
)


LEDGER = pa.table(
    {
        "row": pa.array([1, 2, 2], pa.int64()),
        "column": pa.array(["name", "age", "name"]).dictionary_encode(),
        "before": pa.array([" Ada", None, "Grace "], pa.string()),
        "after": pa.array(["Ada", "36", None], pa.string()),
        "step": pa.array([1, 2, 3], pa.int32()),
        "rule": pa.array(["trim", "fill", "trim"]),
        "confidence": pa.array([1.0, 0.5, 1.0]),
        "kind": pa.array(["restyled", "filled", "emptied"]).dictionary_encode(),
    }
)
RECIPE = b'{"version": 1, "steps": [{"kind": "fill_missing", "value": 9007199254740993}]}'


@dataclass
class ReportFixture:
    """A client of a report service, and the database and store that the service reads from."""

    stub: "rpc.ReportServiceAsyncStub"
    database: Database
    store: ObjectStore
    scratch: Path

    async def accept(self, *, mode: Mode = "fast", collaboration: str | None = None) -> DatasetRecord:
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
        return await Datasets(self.database).accept(
            dataset, NewRun(id=uuid4(), queue="eda_fast", options=RunOptions()), uploader=OPEN_CALLER
        )

    async def claim(self, dataset: DatasetRecord) -> UUID:
        run = await Runs(self.database).claim(dataset.run.id, lease=timedelta(minutes=1))
        assert run is not None
        assert run.lease_token is not None
        return run.lease_token

    async def publish(
        self, *, mode: Mode = "fast", collaboration: str | None = None, cleaned: pa.Table = CLEANED
    ) -> DatasetRecord:
        dataset = await self.accept(mode=mode, collaboration=collaboration)
        token = await self.claim(dataset)
        artifacts = f"datasets/{dataset.id}/runs/{dataset.run.id}/{token}"
        for name, table in (("cleaned", cleaned), ("engineered", CLEANED)):
            await self.store.put_bytes(f"{artifacts}/{name}.parquet", parquet(table))
        await self.store.put_bytes(f"{artifacts}/changes.parquet", parquet(LEDGER))
        await self.store.put_bytes(f"{artifacts}/profile.json", stored_profile())
        await self.store.put_bytes(f"{artifacts}/recipe.json", RECIPE)
        await self.store.put_bytes(f"{artifacts}/charts.json", json.dumps({"charts": CHARTS}).encode())
        assert await Runs(self.database).publish(dataset.run.id, token, RESULT, artifacts=artifacts)
        return await Datasets(self.database).get(dataset.id)

    async def download(self, dataset: DatasetRecord, **options: Any) -> bytes:
        request = pb.DownloadTableRequest(dataset_id=str(dataset.id), **options)
        return b"".join([part.chunk async for part in self.stub.DownloadTable(request, timeout=60)])

    async def graph(self, dataset: DatasetRecord, graph_id: str, **options: Any) -> pb.GetGraphResponse:
        request = pb.GetGraphRequest(dataset_id=str(dataset.id), graph_id=graph_id, **options)
        return await self.stub.GetGraph(request, timeout=60)

    async def renditions(self, dataset: DatasetRecord) -> list[str]:
        prefix = f"{dataset.run.artifacts}/renditions"
        return [info.key.removeprefix(f"{prefix}/") async for info in self.store.list(prefix)]


def stored_profile() -> bytes:
    """Return a profile as the worker stores it, with fields of a later version."""
    cells = {
        "age": ["36", None, "41", "38"] * 10,
        "tax": ["72", "70", "82", "76"] * 10,
        "when": ["2024-01-01"] * 40,
        "city": [*["Oslo", "Rome"] * 19, "OSLO", "rome"],
    }
    facts = profile(Frame.from_table(pa.table(cells)))
    document = {**facts.model_dump(mode="json"), **assess(facts).model_dump(mode="json")}
    document["columns"][0]["imputations"] = document["leaks"] = [{"later": "versions"}]
    return json.dumps(document).encode()


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


@asynccontextmanager
async def serving(
    settings: Settings, isolation: Isolation, database: Database, store: ObjectStore
) -> AsyncIterator[ReportFixture]:
    """Run a report service within this process."""
    async with (
        build(settings, isolation) as (reports, access),
        running_server(service(reports), LOOPBACK, access=access) as port,
        open_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert settings.scratch_dir is not None
        yield ReportFixture(rpc.ReportServiceStub(channel), database, store, settings.scratch_dir)


async def failure(call: Any) -> ServiceError:
    """Await a call that must fail, and return its error."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return from_rpc_error(error.value)
