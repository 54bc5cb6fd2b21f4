"""The gateway as its own process, in front of real gRPC servers that serve fakes."""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from shared.errors import FieldError, LimitExceeded, ServiceError, TooLarge
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.rpc.server import running_server
from shared.rpc.status import KINDS
from tests.fakes.services import (
    DATASET_ID,
    GRAPH_ID,
    PENDING_ID,
    SVG,
    TABLE,
    FakeIngest,
    FakePipeline,
    FakeReport,
    served,
)

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
CSV = b"price,city\n1.5,Oslo\n"


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def rss(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@dataclass(frozen=True)
class Services:
    """The fakes and where they listen."""

    ingest: FakeIngest
    report: FakeReport
    targets: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gateway_process(directory: Path, targets: dict[str, str], **settings: str) -> Iterator[Gateway]:
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "GATEWAY_PORT": str(port),
        **{f"{name.upper()}_TARGET": target for name, target in targets.items()},
        **settings,
    }
    log = directory / f"gateway-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "gateway"], cwd=directory, env=environment, stderr=output)
        try:
            _wait_for(port, process, log)
            yield Gateway(f"http://127.0.0.1:{port}", port, process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the gateway does not start: {log.read_text()}")


@pytest.fixture(scope="module")
async def fakes() -> AsyncIterator[Services]:
    ingest, pipeline, report = FakeIngest(), FakePipeline(), FakeReport()
    async with AsyncExitStack() as stack:
        targets = {}
        for name, fake in (("ingest", ingest), ("pipeline", pipeline), ("report", report)):
            port = await stack.enter_async_context(running_server(served(fake), host="127.0.0.1", port=0))
            targets[name] = f"127.0.0.1:{port}"
        yield Services(ingest, report, targets)


@pytest.fixture(scope="module")
def gateway(fakes: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_process(tmp_path_factory.mktemp("gateway"), fakes.targets) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def small_gateway(fakes: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with tight limits."""
    limits = {"MAX_UPLOAD_BYTES": str(MIB), "MAX_CONCURRENT_UPLOADS": "1"}
    with gateway_process(tmp_path_factory.mktemp("gateway"), fakes.targets, **limits) as gateway:
        yield gateway


@pytest.fixture
def ingest(fakes: Services) -> FakeIngest:
    fakes.ingest.reset()
    return fakes.ingest


@pytest.fixture
def report(fakes: Services) -> FakeReport:
    fakes.report.reset()
    return fakes.report


@pytest.fixture
async def client(gateway: Gateway, ingest: FakeIngest, report: FakeReport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        yield client


@pytest.fixture
async def small_client(small_gateway: Gateway, ingest: FakeIngest) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=small_gateway.url, timeout=30) as client:
        yield client


Part = tuple[str, str | None, bytes]


def form(*parts: Part, end: bytes = b"--B--\r\n") -> bytes:
    """A multipart body; a part is (name, filename, content)."""
    return b"".join(_part(*part) for part in parts) + end


def _part(name: str, filename: str | None, content: bytes) -> bytes:
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    return f"--B\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


FORM_TYPE = {"Content-Type": "multipart/form-data; boundary=B"}
FILE: Part = ("file", "sales.csv", CSV)


async def upload(
    client: httpx.AsyncClient, *parts: Part, path: str = "/dataset/upload", **headers: str
) -> httpx.Response:
    return await client.post(path, content=form(*parts), headers={**FORM_TYPE, **headers})


def assert_problem(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["reason"]) == (status, reason)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["type"] == "urn:neuralearn:problem:" + reason.lower().replace("_", "-")
    assert body["instance"] == answer.request.url.path
    assert body["title"] and body["detail"]
    return body


def only(ingest: FakeIngest) -> tuple[str, common.DatasetOptions]:
    (received,) = ingest.uploads
    assert received.committed and received.options is not None
    return received.filename, received.options


# -- uploading


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


URL: Part = ("dataset_url", None, b"https://example.org/a.csv")


@pytest.mark.parametrize(
    ("parts", "reason", "field"),
    [
        ((), "NO_DATASET", "file"),
        ((("mode", None, b"fast"),), "NO_DATASET", "file"),
        ((FILE, URL), "FILE_AND_URL", "dataset_url"),
        ((URL, FILE), "FILE_AND_URL", "dataset_url"),
        ((FILE, FILE), "SECOND_FILE", "file"),
        ((FILE, ("mod", None, b"fast")), "UNKNOWN_FIELD", "mod"),
        ((("data", "a.csv", CSV),), "UNKNOWN_FIELD", "data"),
        ((FILE, ("mode", None, b"fast"), ("mode", None, b"deep")), "REPEATED_FIELD", "mode"),
        ((FILE, ("mode", None, b"turbo")), "INVALID_INPUT", "mode"),
        ((("outlier_method", None, b"mad"), FILE), "INVALID_INPUT", "outlier_method"),
        ((("outlier_strategy", None, b"drop"), FILE), "INVALID_INPUT", "outlier_strategy"),
        ((("user_id", None, b"x" * 201), FILE), "INVALID_INPUT", "user_id"),
        ((("user_id", None, b"a\x00b"), FILE), "INVALID_INPUT", "user_id"),
        ((("user_id", None, b"\xff"), FILE), "INVALID_INPUT", "user_id"),
        ((("target", None, b"x" * 4097), FILE), "FIELD_TOO_LONG", "target"),
        ((("dataset_url", None, b"file:///etc/passwd"),), "INVALID_INPUT", "dataset_url"),
    ],
)
async def test_wrong_forms(
    client: httpx.AsyncClient, ingest: FakeIngest, parts: tuple[Part, ...], reason: str, field: str
) -> None:
    body = assert_problem(await upload(client, *parts), 422, reason)
    assert body["errors"][0]["field"] == field
    assert not any(one.committed for one in ingest.uploads)
    assert not ingest.imports


async def test_a_wrong_choice_lists_what_is_allowed(client: httpx.AsyncClient) -> None:
    for answer in (
        await upload(client, FILE, ("mode", None, b"turbo")),
        await upload(client, FILE, path="/dataset/upload?mode=turbo"),
        await client.post("/dataset/upload", json={"mode": "turbo"}),
    ):
        body = assert_problem(answer, 422, "INVALID_INPUT")
        assert "'fast', 'smart' or 'deep'" in body["errors"][0]["description"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"{", "application/json", 422, "MALFORMED_BODY"),
        (b"[1]", "application/json", 422, "MALFORMED_BODY"),
        (b"[" * 60_000, "application/json", 422, "MALFORMED_BODY"),
        (b'{"user_id": 7}', "application/json", 422, "INVALID_INPUT"),
        (b'{"user_id": "\\ud800"}', "application/json", 422, "INVALID_INPUT"),
        (b'{"dataset_url": "https://[x"}', "application/json", 422, "INVALID_INPUT"),
        (b'{"file": "x"}', "application/json", 422, "UNKNOWN_FIELD"),
        (b"\xff=1", "application/x-www-form-urlencoded", 422, "MALFORMED_BODY"),
        (b"mode=fast&mode=deep", "application/x-www-form-urlencoded", 422, "REPEATED_FIELD"),
        (CSV, "text/csv", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (form(FILE), "multipart/form-data", 422, "MALFORMED_BODY"),
        (form(FILE), "multipart/form-data; boundary=" + "x" * 300, 422, "MALFORMED_BODY"),
        (b"junk" * 100, "multipart/form-data; boundary=B", 422, "MALFORMED_BODY"),
        (b"--B\r\n\r\nx\r\n--B--\r\n", "multipart/form-data; boundary=B", 422, "MALFORMED_BODY"),
        (
            b"--B\r\nContent-Disposition: form-data; " + b"x" * 9000,
            "multipart/form-data; boundary=B",
            422,
            "MALFORMED_BODY",
        ),
        (b"", "multipart/form-data; boundary=B", 422, "UPLOAD_CUT_OFF"),
    ],
)
async def test_wrong_bodies(
    client: httpx.AsyncClient, body: bytes, content_type: str, status: int, reason: str
) -> None:
    answer = await client.post("/dataset/upload", content=body, headers={"Content-Type": content_type})
    assert_problem(answer, status, reason)


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 60])
async def test_a_body_that_ends_in_the_middle_stores_nothing(
    client: httpx.AsyncClient, ingest: FakeIngest, cut: int
) -> None:
    body = form(FILE)
    answer = await client.post("/dataset/upload", content=body[: len(body) - 2 - cut], headers=FORM_TYPE)
    assert_problem(answer, 422, "UPLOAD_CUT_OFF")
    assert not any(one.committed for one in ingest.uploads)


async def test_every_cut_of_the_stream_into_pieces_gives_the_same_file(
    client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    content = b"\r\n--B\r\r\n--\r\n--C--" * 3
    body = form(("user_id", None, b"ada"), ("file", "a.csv", content), ("mode", None, b"deep"))

    async def pieces() -> AsyncIterator[bytes]:
        for position in range(len(body)):
            yield body[position : position + 1]

    answer = await client.post("/dataset/upload", content=pieces(), headers=FORM_TYPE)
    # A line that begins with the boundary can't be data; the parser says so rather than guess.
    assert answer.status_code in {200, 422}
    content = b"\r\n--C\r\r\n--\r\n-B--" * 3
    body = form(("user_id", None, b"ada"), ("file", "a.csv", content), ("mode", None, b"deep"))
    ingest.reset()
    assert (await client.post("/dataset/upload", content=pieces(), headers=FORM_TYPE)).status_code == 200
    assert ingest.uploads[0].sha256 == hashlib.sha256(content).hexdigest()


@asynccontextmanager
async def half_sent(
    gateway: Gateway, *, announced: int, sent: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which an upload has begun."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = (
        f"POST /dataset/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_wrong_mode_is_answered_before_the_file_is_read(gateway: Gateway, ingest: FakeIngest) -> None:
    sent = (
        form(("mode", None, b"turbo"), end=b"")
        + b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    async with half_sent(gateway, announced=100 * MIB, sent=sent) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 422")
    assert b"connection: close" in head.lower()
    assert not ingest.uploads


async def test_a_client_that_goes_away_stores_nothing(gateway: Gateway, ingest: FakeIngest) -> None:
    sent = form(("file", "a.csv", b"x" * MIB), end=b"")
    async with half_sent(gateway, announced=100 * MIB, sent=sent):
        await asyncio.wait_for(ingest.began.wait(), 5)
    await asyncio.wait_for(ingest.ended.wait(), 5)
    assert not ingest.uploads[0].committed


async def test_the_services_early_answer_reaches_a_client_that_pauses(gateway: Gateway, ingest: FakeIngest) -> None:
    ingest.error, ingest.fail_after_bytes = LimitExceeded("101 columns; at most 100."), 256 * 1024
    sent = form(("file", "a.csv", b"x" * MIB), end=b"")
    async with half_sent(gateway, announced=100 * MIB, sent=sent) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 400")


async def test_the_services_early_answer_reaches_a_client_that_sends_on(
    client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    ingest.error, ingest.fail_after_bytes = TooLarge("too large"), 256 * 1024
    answer = await upload(client, ("file", "a.csv", b"x" * (40 * MIB)))
    assert_problem(answer, 413, "FILE_TOO_LARGE")


async def test_curl_sees_an_early_answer(gateway: Gateway, ingest: FakeIngest, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * (20 * MIB))
    command = [
        "curl",
        "-sS",
        "-w",
        "%{http_code}",
        "-o",
        str(tmp_path / "out"),
        "-F",
        "mode=turbo",
        "-F",
        f"file=@{file}",
    ]
    process = await asyncio.create_subprocess_exec(*command, gateway.url + "/dataset/upload", stdout=subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, output) == (0, b"422")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_over_the_limit(small_client: httpx.AsyncClient, ingest: FakeIngest, announced: bool) -> None:
    body = form(("file", "a.csv", b"x" * (3 * MIB)))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    content = body if announced else pieces()
    answer = await small_client.post("/dataset/upload", content=content, headers=FORM_TYPE)
    problem = assert_problem(answer, 413, "FILE_TOO_LARGE")
    assert "1,048,576 bytes" in problem["detail"]
    assert not any(one.committed for one in ingest.uploads)


async def test_a_file_of_exactly_the_limit_and_one_byte_more(
    small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    assert (await upload(small_client, ("file", "a.csv", b"x" * MIB))).status_code == 200
    assert_problem(await upload(small_client, ("file", "a.csv", b"x" * (MIB + 1))), 413, "FILE_TOO_LARGE")


async def test_more_uploads_than_the_gateway_carries(
    small_gateway: Gateway, small_client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    async with half_sent(small_gateway, announced=MIB, sent=form(FILE, end=b"")):
        await asyncio.wait_for(ingest.began.wait(), 5)
        answer = await upload(small_client, FILE)
        assert_problem(answer, 503, "TOO_MANY_UPLOADS")
        assert answer.headers["retry-after"] == "2"
    await asyncio.wait_for(ingest.ended.wait(), 5)
    for _ in range(50):
        if (await upload(small_client, FILE)).status_code == 200:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the slot is not free again")


async def test_a_service_that_dies_in_the_middle_is_an_outage(fakes: Services, tmp_path: Path) -> None:
    dying = FakeIngest(pause_seconds=0.2)
    async with AsyncExitStack() as stack:
        server = AsyncExitStack()
        port = await server.enter_async_context(running_server(served(dying), host="127.0.0.1", port=0))
        targets = {**fakes.targets, "ingest": f"127.0.0.1:{port}"}
        gateway = stack.enter_context(gateway_process(tmp_path, targets))
        async with half_sent(gateway, announced=100 * MIB, sent=form(("file", "a.csv", b"x" * MIB), end=b"")) as (
            reader,
            _,
        ):
            await asyncio.wait_for(dying.began.wait(), 5)
            closing = asyncio.create_task(server.aclose())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
            await closing
        assert head.startswith(b"HTTP/1.1 503")
        async with httpx.AsyncClient(base_url=gateway.url) as client:
            assert_problem(await client.get(f"/dataset/{DATASET_ID}/status"), 503, "UNAVAILABLE")
            health = await client.get("/health")
            assert health.status_code == 503
            assert health.json()["services"] == {
                "ingest": "unreachable",
                "pipeline": "serving",
                "report": "serving",
            }


async def megabytes(count: int) -> AsyncIterator[bytes]:
    """A form with a file of `count` MiB, made on the fly."""
    block = bytes(range(256)) * 256
    yield b'--B\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\n'
    for _ in range(count * 16):
        yield block
    yield b"\r\n--B--\r\n"


async def test_300_megabytes_pass_through_little_memory(
    gateway: Gateway, client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    await client.post("/dataset/upload", content=megabytes(8), headers=FORM_TYPE)
    before, peak = gateway.rss(), 0
    sending = asyncio.create_task(client.post("/dataset/upload", content=megabytes(300), headers=FORM_TYPE))
    while not sending.done():
        peak = max(peak, gateway.rss())
        await asyncio.sleep(0.02)
    assert (await sending).status_code == 200
    assert ingest.uploads[-1].size_bytes == 300 * MIB
    assert peak - before < 32 * MIB


async def test_a_slow_service_slows_the_client_down(
    gateway: Gateway, client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    ingest.pause_seconds = 0.05
    before, sent = gateway.rss(), 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for piece in megabytes(100):
            sent += len(piece)
            yield piece

    sending = asyncio.create_task(client.post("/dataset/upload", content=counted(), headers=FORM_TYPE))
    await asyncio.sleep(2)
    assert sent < 40 * MIB, "the client could send without being held back"
    assert gateway.rss() - before < 32 * MIB
    ingest.pause_seconds = 0
    assert (await sending).status_code == 200


# -- following


async def test_the_status_of_a_dataset(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/status")).json()
    root = f"/dataset/{DATASET_ID}"
    assert body["links"] == {
        "self": f"{root}/status",
        "raw": f"{root}/raw",
        "cleaned": f"{root}/cleaned",
        "engineered": f"{root}/engineered",
        "graphs": f"{root}/eda/graphs",
        "features": f"{root}/features",
        "report": f"{root}/report",
        "logs": {name: f"{root}/logs/{name}" for name in ("cleaning", "outliers", "features")},
    }
    assert body["created_at"] == "2026-11-23T15:59:12.531000Z"
    assert (body["status"], body["mode"], body["progress"], body["stage"]) == ("completed", "deep", 100, "publishing")
    assert (body["outlier_method"], body["outlier_strategy"]) == ("zscore", "median")
    assert body["parse_plan"] == {"format": "csv", "encoding": "utf-8", "delimiter": ",", "notes": ["renamed a"]}
    assert body["error"] is None and body["source_url"] is None


@pytest.mark.parametrize("path", ["/datasets", "/datasets/status"])
async def test_lists_of_datasets(client: httpx.AsyncClient, ingest: FakeIngest, path: str) -> None:
    first = (await client.get(path, params={"user_id": "ada", "collaboration_id": "team-7", "page_size": 1})).json()
    assert first["next_page_token"] == "second"
    asked = ingest.lists[0]
    assert (asked.user_id, asked.collaboration_id, asked.page_size) == ("ada", "team-7", 1)
    second = (await client.get(path, params={"page_token": "second"})).json()
    assert second["next_page_token"] is None
    (failed,) = second["datasets"]
    assert failed["error"] == {"reason": "RUN_TIMEOUT", "detail": "It took too long."}
    assert (failed["status"], failed["mode"], failed["collaboration_id"]) == ("failed", "fast", None)
    assert failed["parse_plan"] is None and failed["started_at"] is None and failed["links"]["report"] is None


@pytest.mark.parametrize("query", ["page_size=-1", "page_size=x", "page_size=99999999999", "user_id=a%00b"])
async def test_wrong_list_parameters(client: httpx.AsyncClient, query: str) -> None:
    body = assert_problem(await client.get(f"/datasets?{query}"), 422, "INVALID_INPUT")
    assert body["errors"][0]["field"] == query.partition("=")[0]


# -- problems


@pytest.mark.parametrize("kind", list(KINDS))
async def test_every_kind_of_error_as_a_problem(
    client: httpx.AsyncClient, ingest: FakeIngest, kind: type[ServiceError]
) -> None:
    fields, metadata = [FieldError("rows", "too many")], {"rows": "7"}
    ingest.error = kind("What happened.", reason="SOME_REASON", fields=fields, metadata=metadata, retry_after=1.2)
    for answer in (await client.get(f"/dataset/{DATASET_ID}/status"), await upload(client, FILE)):
        body = assert_problem(answer, KINDS[kind].http, "SOME_REASON")
        assert (body["title"], body["detail"]) == (KINDS[kind].title, "What happened.")
        assert body["errors"] == [{"field": "rows", "description": "too many"}]
        assert body["metadata"] == {"rows": "7"}
        assert answer.headers["retry-after"] == "2"


async def test_an_unexpected_exception_tells_nothing(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    ingest.error = RuntimeError("postgresql://user:secret@db")
    for answer in (await client.get("/datasets"), await upload(client, FILE)):
        body = assert_problem(answer, 500, "INTERNAL")
        assert "secret" not in answer.text
        assert body["request_id"] in body["detail"]


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/nowhere"), 404, "NOT_FOUND")
    assert_problem(await client.get("/dataset/x/status"), 404, "DATASET_NOT_FOUND")
    answer = await client.delete(f"/dataset/{DATASET_ID}/cleaned")
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"
    answer = await client.get("/dataset/upload")
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


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
    answer = await client.get(f"/dataset/{PENDING_ID}/{path}")
    assert_problem(answer, 409, "NOT_READY")
    assert answer.headers["retry-after"] == "2"


async def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/datasets", headers={"X-Request-ID": 'a" b'})
    assert answer.headers["x-request-id"].isalnum() and len(answer.headers["x-request-id"]) == 32


async def test_one_log_line_for_each_request_without_its_values(gateway: Gateway, client: httpx.AsyncClient) -> None:
    await client.get("/datasets?user_id=very-secret", headers={"X-Request-ID": "log-1"})
    await asyncio.sleep(0.1)
    lines = [line for line in gateway.log_lines() if line.get("request_id") == "log-1"]
    assert len(lines) == 1
    assert lines[0]["event"] == "request" and lines[0]["route"] == "/datasets" and lines[0]["status"] == 200
    assert lines[0]["bytes"] > 0 and lines[0]["ms"] >= 0 and lines[0]["complete"] is True
    assert "very-secret" not in gateway.log.read_text()


# -- downloading

TABLE_PATH = f"/dataset/{DATASET_ID}/cleaned"


@pytest.mark.parametrize("name", ["raw", "cleaned", "engineered"])
async def test_a_table_is_streamed(client: httpx.AsyncClient, report: FakeReport, name: str) -> None:
    report.filename = 'sales "Größe".csv'
    answer = await client.get(f"/dataset/{DATASET_ID}/{name}")
    assert (answer.status_code, answer.content) == (200, TABLE)
    assert answer.headers["etag"] == '"v1"'
    assert answer.headers["content-length"] == str(len(TABLE))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"sales _Gr__e_.csv\"; filename*=UTF-8''sales%20%22Gr%C3%B6%C3%9Fe%22.csv"
    )


async def test_the_format_is_passed_on(client: httpx.AsyncClient, report: FakeReport) -> None:
    for path in ("cleaned", "engineered?format=parquet", "raw"):
        await client.get(f"/dataset/{DATASET_ID}/{path}")
    assert [(one.table, one.format) for one in report.tables] == [(2, 1), (3, 2), (1, 0)]
    body = assert_problem(await client.get(TABLE_PATH + "?format=xlsx"), 422, "INVALID_INPUT")
    assert body["errors"][0]["field"] == "format"


SIZE = len(TABLE)


@pytest.mark.parametrize(
    ("value", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=-5", SIZE - 5, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes=70000-{SIZE * 2}", 70_000, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=65000-140000", 65_000, 140_001),
    ],
)
async def test_a_range(client: httpx.AsyncClient, value: str, start: int, end: int) -> None:
    answer = await client.get(TABLE_PATH, headers={"Range": value})
    assert (answer.status_code, answer.content) == (206, TABLE[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("value", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
async def test_a_range_outside_of_the_file(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get(TABLE_PATH, headers={"Range": value})
    assert_problem(answer, 416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=5-2"},
        {"Range": "bytes=-"},
        {"Range": "lines=0-1"},
        {"Range": "bytes=" + "9" * 5000 + "-"},
        {"Range": "bytes=0-1", "If-Range": '"old"'},
        {"Range": "bytes=0-1", "If-Range": "Mon, 23 Nov 2026 15:59:12 GMT"},
    ],
)
async def test_a_range_that_means_the_whole_file(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get(TABLE_PATH, headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


async def test_a_range_of_the_same_entity(client: httpx.AsyncClient) -> None:
    answer = await client.get(TABLE_PATH, headers={"Range": "bytes=0-1", "If-Range": '"v1"'})
    assert (answer.status_code, answer.content) == (206, TABLE[:2])


@pytest.mark.parametrize("value", ['"v1"', 'W/"v1"', '"v0", "v1"', "*"])
@pytest.mark.parametrize("path", [TABLE_PATH, f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}"])
async def test_what_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, report: FakeReport, path: str, value: str
) -> None:
    etag = (await client.get(path)).headers["etag"]
    report.downloads.clear()
    answer = await client.get(path, headers={"If-None-Match": value.replace('"v1"', etag), "Range": "bytes=0-1"})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert not report.downloads


async def test_head_tells_without_fetching(client: httpx.AsyncClient, report: FakeReport) -> None:
    answer = await client.head(TABLE_PATH, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(SIZE)
    assert not report.downloads
    missing = await client.head("/dataset/x/cleaned")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_an_empty_table(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.table = b""
    answer = await client.get(TABLE_PATH)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert (await client.get(TABLE_PATH, headers={"Range": "bytes=0-"})).status_code == 416


async def test_a_redirect_to_the_object_store(client: httpx.AsyncClient, report: FakeReport) -> None:
    assert (await client.get(TABLE_PATH + "?redirect=true")).status_code == 200
    report.download_url = "https://bucket.example/x?signature=1"
    answer = await client.get(TABLE_PATH + "?redirect=true")
    assert (answer.status_code, answer.headers["location"]) == (307, report.download_url)
    assert (await client.get(TABLE_PATH)).content == TABLE


async def test_a_download_that_falls_short_shows_as_one(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.announced_bytes = SIZE + 1
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(TABLE_PATH)


async def test_a_client_that_leaves_a_download_ends_the_call(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.table = TABLE * 200
    async with client.stream("GET", TABLE_PATH) as answer:
        async for _ in answer.aiter_bytes():
            break
    await asyncio.wait_for(report.cancelled.wait(), 5)


# -- results


async def test_graphs(client: httpx.AsyncClient, report: FakeReport) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/eda/graphs?page_size=5&page_token=t")).json()
    assert body == {
        "graphs": [
            {
                "graph_id": GRAPH_ID,
                "dataset_id": DATASET_ID,
                "database_name": "sales",
                "type": "histogram",
                "title": "Distribution of price",
                "columns": ["price"],
                "created_at": "2026-11-23T15:59:12.531000Z",
                "url": f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}",
            }
        ],
        "next_page_token": None,
    }
    assert (report.pages[0].page_size, report.pages[0].page_token) == (5, "t")
    shared = (await client.get("/collaboration/team-7/graphs")).json()
    assert shared == {"collaboration_id": "team-7", **body}


async def test_a_graph_in_every_format(client: httpx.AsyncClient) -> None:
    path = f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}"
    png, svg, data = [await client.get(path, params={"format": one}) for one in ("png", "svg", "json")]
    assert (await client.get(path)).content == png.content == b"\x89PNG"
    assert (png.headers["content-type"], data.headers["content-type"]) == ("image/png", "application/json")
    assert svg.content == SVG and data.json() == {"bins": []}
    assert svg.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert svg.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in svg.headers["cache-control"]
    assert (await client.head(path)).headers["etag"] == png.headers["etag"]
    assert_problem(await client.get(path + "x"), 404, "GRAPH_NOT_FOUND")
    assert_problem(await client.get(path, params={"format": "gif"}), 422, "INVALID_INPUT")


async def test_features(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/features")).json()
    assert body["dataset_id"] == DATASET_ID
    assert body["input_features"][0]["missing"] == 7
    assert body["output_features"][0]["sources"] == ["price"]
    assert body["target"] == {"column": None, "confidence": 0, "reason": "no column looks like one"}


async def test_logs(client: httpx.AsyncClient) -> None:
    cleaning, outliers, features = [
        (await client.get(f"/dataset/{DATASET_ID}/logs/{name}")).json() for name in ("cleaning", "outliers", "features")
    ]
    (line,) = cleaning["logs"]
    assert line["parameters"] == {"limit": None, "names": ["a", None], "on": True, "share": 0.5, "value": 42}
    assert (line["status"], line["column"], cleaning["next_page_token"]) == ("applied", "price", "more")
    (line,) = outliers["logs"]
    assert (line["status"], line["lower_fence"], line["upper_fence"]) == ("skipped", 0, None)
    (line,) = features["logs"]
    assert (line["status"], line["outputs"], line["created_at"]) == ("flagged", ["city=Oslo"], None)


async def test_the_report_and_a_groups_datasets(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"/dataset/{DATASET_ID}/report")).json()
    assert (body["mode"], body["summary"], body["author"]) == ("deep", "Good.", "template")
    shared = (await client.get("/collaboration/team-7/datasets/cleaned")).json()
    assert shared["collaboration_id"] == "team-7" and shared["next_page_token"] == "more"
    assert shared["datasets"][0] == {
        "dataset_id": DATASET_ID,
        "database_name": "sales",
        "user_id": "ada",
        "mode": "smart",
        "rows": 39_990,
        "columns": 2,
        "finished_at": "2026-11-23T15:59:12.531000Z",
        "url": f"/dataset/{DATASET_ID}/cleaned",
    }


# -- the gateway itself


async def test_health(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok" and body["version"]
    assert body["services"] == dict.fromkeys(("ingest", "pipeline", "report"), "serving")


async def test_the_root_for_people_and_for_programs(client: httpx.AsyncClient) -> None:
    page = await client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Host": 'a"<b>'})
    assert page.headers["content-type"].startswith("text/html")
    assert "<form" in page.text and "<b>" not in page.text
    assert "http" not in page.headers["content-security-policy"]
    assert (await client.get("/")).headers["content-type"].startswith("text/html")
    about = await client.get("/", headers={"Accept": "application/json"})
    assert about.json()["docs"] == "/docs"


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_works_offline(client: httpx.AsyncClient, path: str) -> None:
    page = (await client.get(path)).text
    assert "https://" not in page
    assets = [one.split('"')[0] for one in page.split('"') if one.startswith("/static-offline-docs/")]
    assert assets
    for asset in assets:
        assert (await client.get(asset)).status_code == 200


async def test_a_stopped_gateway_leaves_cleanly(fakes: Services, tmp_path: Path) -> None:
    with gateway_process(tmp_path, fakes.targets) as gateway:
        gateway.process.terminate()
        assert gateway.process.wait(timeout=10) in {0, -15}
    assert "Traceback" not in gateway.log.read_text()
