"""The client of users, in both forms, against the whole stack."""

import asyncio
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from deploy.local.stack import Stack
from neuralearn import (
    ApiError,
    AsyncClient,
    Client,
    ConnectionFailed,
    NotReadyError,
    PreparationFailed,
    TimedOut,
    load_recipe,
)
from tests.bench.tables import mixed_table, write_csv

CSV = b"city,age,score\n" + b"".join(b"Oslo,%d,%d.5\n" % (20 + row % 50, row) for row in range(60))


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.gateway_url) as client:
        yield client


def test_prepare_and_take_the_results(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(CSV)
    dataset = client.prepare(path, target="score", types={"age": "integer"})
    assert (dataset.status, dataset.rows, dataset.database_name, dataset.has_ended) == ("completed", 60, "people", True)
    progress: list[int] = []
    written = client.download(
        dataset.dataset_id, "cleaned", tmp_path / "c.csv", on_progress=lambda done, _: progress.append(done)
    )
    assert written.read_bytes().startswith(b'"city"')
    assert progress[-1] == written.stat().st_size
    assert client.read(dataset.dataset_id, "raw") == CSV
    assert client.read(dataset.dataset_id, "engineered", file_format="parquet")[:4] == b"PAR1"
    assert client.read(dataset.dataset_id, "cleaned", file_format="xlsx")[:2] == b"PK"
    assert client.read(dataset.dataset_id, "cleaned", charset="utf8_bom").startswith(b"\xef\xbb\xbf")
    numbered = client.read(dataset.dataset_id, "engineered", row_id=True).splitlines()
    assert numbered[0].startswith(b'"__row__"') and numbered[1].startswith(b"1,")
    assert client.document(dataset.dataset_id, "profile")["rows"] == 60
    features = load_recipe(client.document(dataset.dataset_id, "recipe")).transform(pa.csv.read_csv(io.BytesIO(CSV)))
    stored = client.read(dataset.dataset_id, "engineered", file_format="parquet")
    assert features.equals(pq.read_table(io.BytesIO(stored)).replace_schema_metadata(None))
    assert any("age" in step["why"] for step in client.log(dataset.dataset_id, "cleaning"))
    page = client.rows(dataset.dataset_id, columns=["age", "score"], sort=["-age"], filter=["age:known"], limit=5)
    ages = [row[0] for row in page["rows"]]
    assert [column["name"] for column in page["columns"]] == ["age", "score"] and len(ages) == 5
    assert ages == sorted(ages, reverse=True) and page["total_rows"] <= 60
    assert client.rows(dataset.dataset_id, "raw", limit=1)["total_rows"] == 60
    (chart, *_) = client.graphs(dataset.dataset_id)
    assert client.read(dataset.dataset_id, f"graph/{chart['graph_id']}")[1:4] == b"PNG"
    again = client.wait(client.prepare_again(dataset.dataset_id, fill="none").dataset_id)
    assert again.status == "completed"
    assert dataset.dataset_id in {listed.dataset_id for listed in client.datasets()}
    client.delete(dataset.dataset_id)
    with pytest.raises(ApiError) as error:
        client.status(dataset.dataset_id)
    assert (error.value.status, error.value.reason) == (404, "DATASET_NOT_FOUND")


def test_watch_a_preparation(client: Client) -> None:
    dataset_id = client.upload(io.BytesIO(CSV), filename="a.csv")
    events = list(client.watch(dataset_id))
    assert events[-1].status == "completed"
    assert [event.progress for event in events] == sorted(event.progress for event in events)
    assert list(client.watch(dataset_id))[-1].has_ended


def test_a_repeated_upload_is_one_dataset(client: Client) -> None:
    ids = {client.upload(io.BytesIO(CSV), filename="a.csv", idempotency_key="once more") for _ in range(2)}
    assert len(ids) == 1


def test_errors_are_sentences(client: Client, stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="did you mean fill"):
        client.upload(io.BytesIO(CSV), filename="a.csv", fil="none")  # type: ignore[call-arg]
    table = write_csv(mixed_table(30_000, 30), tmp_path / "large.csv")
    dataset_id = client.upload(table)
    with pytest.raises(NotReadyError):
        client.read(dataset_id, "cleaned")
    with pytest.raises(TimedOut, match="still being prepared"):
        client.wait(dataset_id, timeout=0.1)
    client.cancel(dataset_id)
    with pytest.raises(PreparationFailed, match="called off"):
        client.wait(dataset_id)
    with Client("http://127.0.0.1:1", timeout=2) as nobody, pytest.raises(ConnectionFailed, match="can't be reached"):
        nobody.health()
    assert client.health()["status"] == "ok"


def test_queues_and_workers(client: Client) -> None:
    assert {queue.name for queue in client.queues().queues} == {"eda_fast", "eda_deep"}
    wait_for_workers(client)


def wait_for_workers(client: Client) -> None:
    """Wait until both workers gave their first sign of life: a stack is ready before."""
    deadline = time.monotonic() + 30
    while {worker.queue for worker in client.workers()} != {"eda_fast", "eda_deep"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def test_many_at_once(stack: Stack, tmp_path: Path) -> None:
    async with AsyncClient(stack.gateway_url) as client:
        uploads = [client.prepare(io.BytesIO(CSV), filename=f"{number}.csv") for number in range(8)]
        datasets = await asyncio.gather(*uploads)
        assert {dataset.status for dataset in datasets} == {"completed"}
        first = datasets[0].dataset_id
        assert [event.status async for event in client.watch(first)][-1] == "completed"
        assert first in {listed.dataset_id async for listed in client.datasets()}
        written = await client.download(first, "cleaned", tmp_path / "c.csv")
        assert written.read_bytes() == await client.read(first, "cleaned")
        with pytest.raises(ApiError):
            await client.document(first, "report")
        await client.delete(first)
