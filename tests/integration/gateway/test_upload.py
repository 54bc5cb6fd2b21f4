"""Uploads that are right, and what becomes of their fields."""

import hashlib
from typing import Any

import httpx
import pytest

from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from tests.fakes.services import DATASET_ID, FakeIngest
from tests.integration.gateway.forms import CSV, FILE, Part, upload


def only(ingest: FakeIngest) -> tuple[str, common.DatasetOptions]:
    (received,) = ingest.uploads
    assert received.committed and received.options is not None
    return received.filename, received.options


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["a", "b"], "only one"),
        (["x" * 201], "200 characters"),
        (["tab\there"], "printable ASCII"),
        (["ümläut"], "printable ASCII"),
    ],
)
async def test_keys_that_are_refused(
    client: httpx.AsyncClient, ingest: FakeIngest, keys: list[str], words: str
) -> None:
    headers = [(b"Idempotency-Key", key.encode()) for key in keys]
    answer = await client.post("/dataset/upload", files={"file": ("x.csv", CSV)}, headers=headers)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"]
    assert ingest.uploads == []


async def test_an_upload_answers_the_dataset(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    answer = await upload(client, FILE, **{"Idempotency-Key": "key 1", "X-Request-ID": "abc-1"})
    assert answer.status_code == 200
    assert answer.json() == {
        "dataset_id": DATASET_ID,
        "rows": 40_000,
        "columns": 2,
        "status": "uploaded",
        "mode": "fast",
        "database_name": "sales",
    }
    assert answer.headers["location"] == f"/dataset/{DATASET_ID}/status"
    assert answer.headers["x-request-id"] == "abc-1"
    assert ingest.metadata["x-request-id"] == "abc-1"
    (received,) = ingest.uploads
    assert (received.filename, received.request_id) == ("sales.csv", "key 1")
    assert received.sha256 == hashlib.sha256(CSV).hexdigest()


OPTIONS: tuple[Part, ...] = (
    ("user_id", None, b"ada"),
    ("collaboration_id", None, b"team-7"),
    ("mode", None, b"deep"),
    ("outlier_method", None, b"zscore"),
    ("outlier_strategy", None, b"median"),
    ("target", None, "Größe".encode()),
)
EXPECTED = common.DatasetOptions(
    user_id="ada",
    collaboration_id="team-7",
    mode=common.MODE_DEEP,
    outlier_method=common.OUTLIER_METHOD_ZSCORE,
    outlier_strategy=common.OUTLIER_STRATEGY_MEDIAN,
    target="Größe",
)
QUERY = "/dataset/upload?" + str(
    httpx.QueryParams(
        user_id="ada",
        collaboration_id="team-7",
        mode="deep",
        outlier_method="zscore",
        outlier_strategy="median",
        target="Größe",
    )
)


@pytest.mark.parametrize("parts", [(*OPTIONS, FILE), (FILE, *OPTIONS), (*OPTIONS[:3], FILE, *OPTIONS[3:])])
async def test_fields_stand_before_or_after_the_file(
    client: httpx.AsyncClient, ingest: FakeIngest, parts: tuple[Part, ...]
) -> None:
    assert (await upload(client, *parts)).status_code == 200
    assert only(ingest) == ("sales.csv", EXPECTED)


async def test_fields_stand_in_the_query(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    assert (await upload(client, FILE, path=QUERY)).status_code == 200
    assert only(ingest)[1] == EXPECTED


async def test_the_form_outranks_the_query(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    answer = await upload(client, FILE, ("mode", None, b"smart"), ("user_id", None, b""), path=QUERY)
    assert answer.json()["mode"] == "smart"
    assert (only(ingest)[1].mode, only(ingest)[1].user_id) == (common.MODE_SMART, "ada")


@pytest.mark.parametrize(
    ("filename", "expected"),
    [(None, "dataset.csv"), ("", "dataset.csv"), ("Größe 1.csv", "Größe 1.csv"), ("a;b'c.json", "a;b'c.json")],
)
async def test_the_filename(client: httpx.AsyncClient, ingest: FakeIngest, filename: str | None, expected: str) -> None:
    assert (await upload(client, ("file", filename, CSV))).status_code == 200
    assert only(ingest)[0] == expected


async def test_an_empty_file_is_for_the_service_to_judge(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    assert (await upload(client, ("file", "empty.csv", b""))).status_code == 200
    assert ingest.uploads[0].size_bytes == 0


async def test_a_browser_that_chose_no_file_may_give_an_address(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    answer = await upload(
        client, ("file", "", b""), ("dataset_url", None, b"https://example.org/a.csv"), ("user_id", None, b"")
    )
    assert answer.status_code == 200
    assert ingest.imports[0].dataset_url == "https://example.org/a.csv"
    assert ingest.imports[0].options.user_id == "anonymous"


@pytest.mark.parametrize(
    "request_arguments",
    [
        {"json": {"dataset_url": "https://example.org/a.csv", "mode": "deep", "user_id": None}},
        {"data": {"dataset_url": "https://example.org/a.csv", "mode": "deep", "user_id": ""}},
        {"params": {"dataset_url": "https://example.org/a.csv", "mode": "deep"}},
    ],
)
async def test_an_address_as_json_form_or_query(
    client: httpx.AsyncClient, ingest: FakeIngest, request_arguments: dict[str, Any]
) -> None:
    answer = await client.post("/dataset/upload", headers={"Idempotency-Key": "k"}, **request_arguments)
    assert answer.status_code == 200, answer.text
    (request,) = ingest.imports
    assert (request.dataset_url, request.request_id) == ("https://example.org/a.csv", "k")
    assert request.options.mode == common.MODE_DEEP
