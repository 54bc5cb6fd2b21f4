"""Valid uploads, and the options made of their fields."""

import hashlib
from typing import Any

import httpx
import pytest

from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from tests.fakes.services import DATASET_ID, FakeIngest
from tests.integration.gateway.forms import CSV, FILE, Part, upload


def only_upload(ingest: FakeIngest) -> tuple[str, common.DatasetOptions]:
    """Return the filename and the options of the one upload that was received."""
    (received,) = ingest.uploads
    assert received.committed and received.options is not None
    return received.filename, received.options


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["a", "b"], "only one"),
        (["x" * 201], "200 characters"),
        (["tab\there"], "printable ASCII"),
        (["ümläut"], "printable ASCII"),
    ],
)
async def test_keys_that_are_refused(
    client: httpx.AsyncClient, ingest: FakeIngest, keys: list[str], message: str
) -> None:
    headers = [(b"Idempotency-Key", key.encode()) for key in keys]
    response = await client.post("/dataset/upload", files={"file": ("x.csv", CSV)}, headers=headers)
    assert response.status_code == 422, response.text
    assert message in response.json()["detail"]
    assert ingest.uploads == []


async def test_an_upload_answers_the_dataset(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    response = await upload(client, FILE, **{"Idempotency-Key": "key 1", "X-Request-ID": "abc-1"})
    assert response.status_code == 200
    assert response.json() == {
        "dataset_id": DATASET_ID,
        "rows": 40_000,
        "columns": 2,
        "status": "uploaded",
        "mode": "fast",
        "database_name": "sales",
    }
    assert response.headers["location"] == f"/dataset/{DATASET_ID}/status"
    assert response.headers["x-request-id"] == "abc-1"
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
    ("fill", None, b"none"),
)
EXPECTED = common.DatasetOptions(
    user_id="ada",
    collaboration_id="team-7",
    mode=common.MODE_DEEP,
    outlier_method=common.OUTLIER_METHOD_ZSCORE,
    outlier_strategy=common.OUTLIER_STRATEGY_MEDIAN,
    target="Größe",
    fill=common.FILL_POLICY_NONE,
)
QUERY = "/dataset/upload?" + str(
    httpx.QueryParams(
        user_id="ada",
        collaboration_id="team-7",
        mode="deep",
        outlier_method="zscore",
        fill="none",
        outlier_strategy="median",
        target="Größe",
    )
)


@pytest.mark.parametrize("parts", [(*OPTIONS, FILE), (FILE, *OPTIONS), (*OPTIONS[:3], FILE, *OPTIONS[3:])])
async def test_fields_stand_before_or_after_the_file(
    client: httpx.AsyncClient, ingest: FakeIngest, parts: tuple[Part, ...]
) -> None:
    assert (await upload(client, *parts)).status_code == 200
    assert only_upload(ingest) == ("sales.csv", EXPECTED)


async def test_fields_stand_in_the_query(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    assert (await upload(client, FILE, path=QUERY)).status_code == 200
    assert only_upload(ingest)[1] == EXPECTED


async def test_the_form_outranks_the_query(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    response = await upload(client, FILE, ("mode", None, b"smart"), ("user_id", None, b""), path=QUERY)
    assert response.json()["mode"] == "smart"
    assert (only_upload(ingest)[1].mode, only_upload(ingest)[1].user_id) == (common.MODE_SMART, "ada")


@pytest.mark.parametrize(
    ("filename", "expected"),
    [(None, "dataset.csv"), ("", "dataset.csv"), ("Größe 1.csv", "Größe 1.csv"), ("a;b'c.json", "a;b'c.json")],
)
async def test_the_filename(client: httpx.AsyncClient, ingest: FakeIngest, filename: str | None, expected: str) -> None:
    assert (await upload(client, ("file", filename, CSV))).status_code == 200
    assert only_upload(ingest)[0] == expected


async def test_an_empty_file_is_for_the_service_to_judge(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    assert (await upload(client, ("file", "empty.csv", b""))).status_code == 200
    assert ingest.uploads[0].size_bytes == 0


async def test_a_browser_that_chose_no_file_may_give_an_address(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    response = await upload(
        client, ("file", "", b""), ("dataset_url", None, b"https://example.org/a.csv"), ("user_id", None, b"")
    )
    assert response.status_code == 200
    assert ingest.imports[0].dataset_url == "https://example.org/a.csv"
    assert ingest.imports[0].options.user_id == ""


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
    response = await client.post("/dataset/upload", headers={"Idempotency-Key": "k"}, **request_arguments)
    assert response.status_code == 200, response.text
    (request,) = ingest.imports
    assert (request.dataset_url, request.request_id) == ("https://example.org/a.csv", "k")
    assert request.options.mode == common.MODE_DEEP
