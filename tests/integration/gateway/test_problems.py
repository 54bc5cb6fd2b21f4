"""Problem responses for every failure, and the request log."""

import asyncio

import httpx
import pytest

from shared.errors import FieldError, ServiceError
from shared.rpc.status import KINDS
from tests.fakes.services import DATASET_ID, GRAPH_ID, PENDING_ID, FakeIngest
from tests.integration.gateway.forms import FILE, assert_problem, upload
from tests.integration.gateway.process import Gateway


@pytest.mark.parametrize("kind", list(KINDS))
async def test_every_kind_of_error_as_a_problem(
    client: httpx.AsyncClient, ingest: FakeIngest, kind: type[ServiceError]
) -> None:
    fields, metadata = [FieldError("rows", "too many")], {"rows": "7"}
    ingest.error = kind("What happened.", reason="SOME_REASON", fields=fields, metadata=metadata, retry_after=1.2)
    for response in (await client.get(f"/dataset/{DATASET_ID}/status"), await upload(client, FILE)):
        body = assert_problem(response, KINDS[kind].http, "SOME_REASON")
        assert (body["title"], body["detail"]) == (KINDS[kind].title, "What happened.")
        assert body["errors"] == [{"field": "rows", "detail": "too many"}]
        assert body["metadata"] == {"rows": "7"}
        assert response.headers["retry-after"] == "2"


async def test_an_unexpected_exception_reveals_nothing(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    ingest.error = RuntimeError("postgresql://user:secret@db")
    for response in (await client.get("/datasets"), await upload(client, FILE)):
        body = assert_problem(response, 500, "INTERNAL")
        assert "secret" not in response.text
        assert body["request_id"] in body["detail"]


async def test_an_unknown_field_of_a_json_body_is_answered_with_a_known_one(client: httpx.AsyncClient) -> None:
    body = assert_problem(
        await client.post(f"/dataset/{DATASET_ID}/prepare", json={"fil": "all"}), 422, "INVALID_INPUT"
    )
    assert body["errors"] == [{"field": "fil", "detail": "There is no such field; did you mean fill?"}]
    assert_problem(await client.post(f"/dataset/{DATASET_ID}/prepare", content=b"[1]"), 422, "INVALID_INPUT")


async def test_another_preparation_is_asked_for(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    body = {"roles": {"id": "identifier"}, "keep": ["a"], "drop": "b, c", "units": {"weight": "kg"}, "mode": "smart"}
    response = await client.post(f"/dataset/{DATASET_ID}/prepare", json=body)
    assert response.status_code == 200, response.text
    options = ingest.prepared.options
    assert dict(options.roles) == {"id": "identifier", "a": "keep", "b": "drop", "c": "drop"}
    assert (dict(options.units), options.user_id) == ({"weight": "kg"}, "")


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/nowhere"), 404, "NOT_FOUND")
    assert_problem(await client.get("/dataset/x/status"), 404, "DATASET_NOT_FOUND")
    response = await client.delete(f"/dataset/{DATASET_ID}/cleaned")
    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, HEAD"
    response = await client.get("/dataset/upload")
    assert_problem(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "cleaned",
        "engineered",
        "eda/graphs",
        f"graph/{GRAPH_ID}",
        "features",
        "logs/cleaning",
        "logs/outliers",
        "report",
    ],
)
async def test_results_that_are_not_ready(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(f"/dataset/{PENDING_ID}/{path}")
    assert_problem(response, 409, "NOT_READY")
    assert response.headers["retry-after"] == "2"


async def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: httpx.AsyncClient) -> None:
    response = await client.get("/datasets", headers={"X-Request-ID": 'a" b'})
    assert response.headers["x-request-id"].isalnum() and len(response.headers["x-request-id"]) == 32


async def test_one_log_line_for_each_request_without_its_values(gateway: Gateway, client: httpx.AsyncClient) -> None:
    await client.get("/datasets?user_id=very-secret", headers={"X-Request-ID": "log-1"})
    await asyncio.sleep(0.1)
    lines = [line for line in gateway.log_lines() if line.get("request_id") == "log-1"]
    assert len(lines) == 1
    assert lines[0]["event"] == "request" and lines[0]["route"] == "/datasets" and lines[0]["status"] == 200
    assert lines[0]["bytes"] > 0 and lines[0]["ms"] >= 0 and lines[0]["complete"] is True
    assert "very-secret" not in gateway.log.read_text()


@pytest.mark.parametrize("content", [b"{", b"\x1a=\xff\x0b", b"[" * 100_000, b'{"role": "viewer"'])
async def test_a_body_that_is_no_json(client: httpx.AsyncClient, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await client.put("/collaboration/team/members/ada", content=content, headers=headers)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
