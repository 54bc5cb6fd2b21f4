"""The gateway's own endpoints: health, pages, documentation, and its end."""

import asyncio
import hashlib
from pathlib import Path

import httpx
import pytest

import gateway
from shared.errors import Unavailable
from shared.identity.access_control import OpenAccess
from shared.rpc.server import LOOPBACK, running_server
from tests.fakes.services import DATASET_ID, FakePipeline, served
from tests.integration.gateway.conftest import Services
from tests.integration.gateway.forms import assert_problem
from tests.integration.gateway.process import gateway_process


async def test_health(client: httpx.AsyncClient) -> None:
    response = await client.get("/health")
    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok" and body["version"]
    assert body["services"] == dict.fromkeys(("ingest", "pipeline", "report"), "serving")
    assert body["servers"] == dict.fromkeys(("database", "queue", "store"), "serving")
    assert (await client.get("/health/live")).json() == {"status": "ok", "version": body["version"]}


async def test_health_without_a_database(fakes: Services, tmp_path: Path) -> None:
    async def fail() -> None:
        raise Unavailable("It does not answer.")

    async def succeed() -> None:
        return

    needs = {"database": fail, "queue": succeed, "store": succeed}
    async with running_server(served(FakePipeline()), LOOPBACK, access=OpenAccess(), needs=needs) as port:
        targets = {**fakes.targets, "pipeline": f"127.0.0.1:{port}"}
        with gateway_process(tmp_path, targets) as gateway:
            async with httpx.AsyncClient(base_url=gateway.url) as client:
                response = await client.get("/health")
                live = await client.get("/health/live")
            assert response.status_code == 503
            assert response.json()["status"] == "unavailable"
            assert response.json()["servers"] == {"database": "not_serving", "queue": "serving", "store": "serving"}
            assert response.json()["services"]["pipeline"] == "serving"
            assert live.status_code == 200


async def test_the_root_for_people_and_for_programs(client: httpx.AsyncClient) -> None:
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*"):
        for path in ("/", "/app"):
            answer = await client.get(path, headers={"Accept": accept})
            assert (answer.status_code, answer.headers["location"]) == (307, "app/")
    about = (await client.get("/", headers={"Accept": "application/json"})).json()
    assert (about["docs"], about["app"], about["auth_mode"]) == ("/docs", "/app/", "open")
    assert about["max_upload_bytes"] > 0


async def test_the_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/app/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert "http" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    script = await client.get("/app/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert (await client.get("/app/main.js", headers={"If-None-Match": script.headers["etag"]})).status_code == 304
    assert (await client.get("/app/../app.py")).status_code == 404
    assert (await client.get("/app/%2e%2e/%2e%2e/app.py")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/health", "/datasets"])
async def test_a_name_that_is_not_served(client: httpx.AsyncClient, path: str) -> None:
    for name in ("evil.example", 'a"<b>'):
        assert_problem(await client.get(path, headers={"Host": name}), 403, "UNKNOWN_HOST")


async def test_a_page_of_another_site_uploads_nothing(client: httpx.AsyncClient) -> None:
    for origin in ("http://evil.example", "http://[::1", "null"):
        answer = await client.post("/dataset/upload", files={"file": b"a\n1\n"}, headers={"Origin": origin})
        assert_problem(answer, 403, "FOREIGN_ORIGIN")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_works_offline(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text
    assert "https://" not in page
    assets = [text for text in page.split('"') if text.startswith("/static-offline-docs/")]
    assert assets
    for asset in assets:
        assert (await client.get(asset)).status_code == 200


async def test_a_stopped_gateway_leaves_cleanly(fakes: Services, tmp_path: Path) -> None:
    with gateway_process(tmp_path, fakes.targets) as gateway:
        gateway.process.terminate()
        assert gateway.process.wait(timeout=10) in {0, -15}
    assert "Traceback" not in gateway.log.read_text()


async def test_an_event_that_can_not_be_is_refused(client: httpx.AsyncClient) -> None:
    for number in (2**63, -1):
        response = await client.get(f"/dataset/{DATASET_ID}/events", headers={"Last-Event-ID": str(number)})
        assert response.status_code == 422, response.text
        assert response.json()["reason"] == "INVALID_INPUT"


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/docs", "/redoc", "/nowhere", "/datasets"])
async def test_browsers_make_no_more_of_an_answer_than_it_is(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src" in headers["content-security-policy"]


async def test_the_description_of_the_api_can_be_switched_off(fakes: Services, tmp_path: Path) -> None:
    with gateway_process(tmp_path, fakes.targets, GATEWAY_DOCS="0") as gateway:
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            assert [(await client.get(path)).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404] * 3
            assert (await client.get("/health/live")).status_code == 200


async def test_many_who_ask_for_the_health_share_one_asking(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/health") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}


async def test_queues_and_workers(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/queues")).json()
    (queue,) = answer["queues"]
    assert (queue["name"], queue["ready"], queue["oldest_wait_seconds"]) == ("eda_fast", 3, 1.5)
    assert (answer["redis"]["clients"], answer["redis"]["hit_rate"]) == (9, None)
    (worker,) = (await client.get("/workers")).json()["workers"]
    assert (worker["run_ids"], worker["metrics_port"], worker["started_at"]) == (["a"], 9100, None)


def test_what_others_wrote_of_the_page_is_as_they_published_it() -> None:
    folder = Path(gateway.__file__).parent / "static" / "app" / "vendor"
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in map(str.split, lines)}
    assert "htm-preact.js" in sums
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
