"""IngestService on real servers: an upload is accepted whole or not at all."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from ingest_service.composition import build
from ingest_service.convert.datasets import parse_options
from ingest_service.options import UploadOptions
from ingest_service.servicer import service
from ingest_service.use_cases import UseCases
from shared.contracts.run_options import RunOptions
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.paging import encode_token
from shared.db.session import Database
from shared.db.usage import Usage
from shared.errors import (
    Conflict,
    InvalidInput,
    LimitExceeded,
    NotFound,
    QuotaExceeded,
    ServiceError,
    TooLarge,
    Unavailable,
    Unprocessable,
)
from shared.identity.caller import OPEN_CALLER, Caller
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.server import LOOPBACK, running_server
from shared.rpc.status import service_errors
from shared.settings.processes import Settings
from shared.storage import ObjectStore
from tests.integration.ingest.uploads import CSV, upload, upload_messages
from tests.scratch import folders_in_use


async def import_url(ingest: UseCases, url: str, request_id: str | None, options: UploadOptions) -> DatasetRecord:
    return await ingest.intake.import_url(url, uploader=OPEN_CALLER, request_id=request_id, options=options)


async def stored_names(store: ObjectStore, settings: Settings) -> list[str]:
    objects = [info.key async for info in store.list("")]
    return objects + folders_in_use(settings.scratch_dir or Path())


async def test_an_accepted_dataset_is_stored_whole(
    stub: "rpc.IngestServiceAsyncStub", store: ObjectStore, database: Database, settings: Settings
) -> None:
    options = common.DatasetOptions(user_id="ada", mode=common.MODE_DEEP, collaboration_id="team")
    dataset = await upload(stub, upload_messages(options=options))
    assert (dataset.rows, dataset.columns, dataset.database_name) == (2, 2, "people")
    assert (dataset.state, dataset.mode) == (common.DATASET_STATE_UPLOADED, common.MODE_DEEP)
    record = await Datasets(database).get(UUID(dataset.dataset_id))
    assert record.run.queue == "eda_deep"
    assert record.run.options == RunOptions(mode="deep")
    assert await store.read_bytes(record.raw_key) == CSV
    assert sorted(await stored_names(store, settings)) == sorted([record.raw_key, record.table_key])


@pytest.mark.parametrize(
    ("requests", "kind", "reason"),
    [
        (upload_messages()[:-1], InvalidInput, "UPLOAD_INCOMPLETE"),
        (upload_messages()[1:], InvalidInput, "UPLOAD_OUT_OF_ORDER"),
        (upload_messages(size=7), InvalidInput, "UPLOAD_INCOMPLETE"),
        (upload_messages(b""), Unprocessable, "EMPTY_FILE"),
        (upload_messages(b"\x00\x01\x02" * 50), Unprocessable, "NOT_A_TEXT_FILE"),
        (upload_messages(b"a\n" + b"1\n" * 1001), LimitExceeded, "TABLE_TOO_LARGE"),
        (upload_messages(b"a,b\n" + b"1,2\n" * 600_000), TooLarge, "FILE_TOO_LARGE"),
        (upload_messages(options=common.DatasetOptions(target="height")), InvalidInput, "UNKNOWN_TARGET"),
        (upload_messages(options=common.DatasetOptions(user_id="x" * 201)), InvalidInput, "INVALID_INPUT"),
        (upload_messages(options=common.DatasetOptions(mode=99)), InvalidInput, "INVALID_INPUT"),  # type: ignore[arg-type]
    ],
)
async def test_a_refused_upload_leaves_nothing_behind(
    stub: "rpc.IngestServiceAsyncStub",
    store: ObjectStore,
    settings: Settings,
    requests: list[pb.UploadDatasetRequest],
    kind: type[ServiceError],
    reason: str,
) -> None:
    with pytest.raises(kind) as error:
        await upload(stub, requests)
    assert error.value.reason == reason
    assert await stored_names(store, settings) == []


class CountingIsolation(Isolation):
    """An isolation that counts the tasks that run at the same time."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self.running = self.max_running = 0

    async def run(self, *args: Any, **options: Any) -> Any:
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        try:
            return await self._isolation.run(*args, **options)
        finally:
            self.running -= 1


async def test_however_many_upload_at_once_few_files_are_read_at_once(settings: Settings, isolation: Isolation) -> None:
    counting = CountingIsolation(isolation)
    async with (
        build(settings.model_copy(update={"isolation": "fresh"}), counting) as (ingest, access),
        running_server(service(ingest), LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = rpc.IngestServiceStub(channel)
        datasets = await asyncio.gather(*(upload(stub, upload_messages()) for _ in range(24)))
    assert len({dataset.dataset_id for dataset in datasets}) == 24
    assert counting.max_running == max(2, os.cpu_count() or 2)


async def test_a_cancelled_upload_leaves_nothing_behind(
    stub: "rpc.IngestServiceAsyncStub", store: ObjectStore, settings: Settings
) -> None:
    async def endless() -> AsyncIterator[pb.UploadDatasetRequest]:
        yield upload_messages()[0]
        while True:
            yield pb.UploadDatasetRequest(chunk=b"x" * 100)
            await asyncio.sleep(0.01)

    call = stub.UploadDataset(endless())
    await asyncio.sleep(0.2)
    call.cancel()
    for _ in range(100):
        if not await stored_names(store, settings):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await stored_names(store, settings))


async def test_a_repeat_with_the_same_request_id_returns_the_first_dataset(
    stub: "rpc.IngestServiceAsyncStub", store: ObjectStore, settings: Settings
) -> None:
    requests = upload_messages(request_id="once", options=common.DatasetOptions(user_id=str(uuid4())))
    both = await asyncio.gather(upload(stub, requests), upload(stub, requests))
    again = await upload(stub, requests)
    assert {dataset.dataset_id for dataset in both} == {again.dataset_id}
    assert len(await stored_names(store, settings)) == 2


async def test_a_repeated_import_is_not_fetched_again(
    settings: Settings, isolation: Isolation, server_url: str
) -> None:
    private_settings = settings.model_copy(update={"allow_private_urls": True})
    async with build(private_settings, isolation) as (ingest, _):
        options = parse_options(common.DatasetOptions(user_id=str(uuid4())), caller=OPEN_CALLER)
        first = await import_url(ingest, f"{server_url}/growing", "once", options)
        again = await import_url(ingest, f"{server_url}/growing", "once", options)
        assert (again.id, again.sha256) == (first.id, first.sha256)
        other = await import_url(ingest, f"{server_url}/growing", "twice", options)
        assert other.sha256 != first.sha256
        for address, changed in (
            (f"{server_url}/moved", options),
            (f"{server_url}/growing", replace(options, run=RunOptions(mode="deep"))),
        ):
            with pytest.raises(Conflict, match="another file, address or option"):
                await import_url(ingest, address, "once", changed)


async def test_a_repeat_that_meets_the_first_at_the_limit_of_the_quota_gets_it(
    settings: Settings, isolation: Isolation, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first upload is accepted, and uses up the quota, after the repeat has searched for it."""
    limited = settings.model_copy(update={"allow_private_urls": True, "smart_uploads_per_user": 1})
    message = common.DatasetOptions(mode=common.MODE_SMART, user_id=str(uuid4()))
    options = parse_options(message, caller=OPEN_CALLER)
    accepted: list[DatasetRecord] = []
    first_accepted = False
    check = Usage.check

    async def check_late(usage: Usage, user_id: str, mode: str) -> None:
        nonlocal first_accepted
        if not first_accepted:
            first_accepted = True
            accepted.append(await import_url(ingest, f"{server_url}/people.csv", "once", options))
        await check(usage, user_id, mode)

    monkeypatch.setattr(Usage, "check", check_late)
    async with build(limited, isolation) as (ingest, _):
        repeat = await import_url(ingest, f"{server_url}/people.csv", "once", options)
        assert [repeat.id] == [record.id for record in accepted]
        with pytest.raises(QuotaExceeded):
            await import_url(ingest, f"{server_url}/people.csv", "twice", options)


async def test_a_used_request_id_takes_no_other_upload(stub: "rpc.IngestServiceAsyncStub") -> None:
    options = common.DatasetOptions(user_id=str(uuid4()))
    await upload(stub, upload_messages(request_id="once", options=options))
    others = [
        common.DatasetOptions(user_id=options.user_id, mode=common.MODE_DEEP),
        common.DatasetOptions(user_id=options.user_id, collaboration_id="group"),
        common.DatasetOptions(user_id=options.user_id, webhook_url="https://example.org/told"),
    ]
    for requests in (
        upload_messages(b"a\n1\n", request_id="once", options=options),
        *(upload_messages(request_id="once", options=other) for other in others),
    ):
        with pytest.raises(Conflict) as error:
            await upload(stub, requests)
        assert error.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_names_no_database_can_hold_are_refused(stub: "rpc.IngestServiceAsyncStub") -> None:
    with pytest.raises(InvalidInput), service_errors():
        await stub.ListDatasets(pb.ListDatasetsRequest(user_id="a\0b"))
    with pytest.raises(InvalidInput) as error:
        await upload(stub, upload_messages(options=common.DatasetOptions(target="😀" * 100_000)))
    assert error.value.reason == "UNKNOWN_TARGET"


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
async def test_forged_page_tokens(stub: "rpc.IngestServiceAsyncStub", timestamp: str) -> None:
    with pytest.raises(InvalidInput), service_errors():
        await stub.ListDatasets(pb.ListDatasetsRequest(page_token=encode_token([timestamp, str(uuid4())])))


async def test_pages_of_datasets_cover_everything_once(stub: "rpc.IngestServiceAsyncStub") -> None:
    owner = str(uuid4())
    for number in range(5):
        await upload(stub, upload_messages(filename=f"{number}.csv", options=common.DatasetOptions(user_id=owner)))
    names, token = [], ""
    while True:
        page = await stub.ListDatasets(pb.ListDatasetsRequest(user_id=owner, page_size=2, page_token=token))
        names += [dataset.database_name for dataset in page.datasets]
        if not (token := page.next_page_token):
            break
    assert names == ["4", "3", "2", "1", "0"]
    with pytest.raises(InvalidInput), service_errors():
        await stub.ListDatasets(pb.ListDatasetsRequest(page_token="bm9uc2Vuc2U"))


@pytest.mark.parametrize("dataset_id", ["", "no-uuid", str(UUID(int=1))])
async def test_unknown_datasets(stub: "rpc.IngestServiceAsyncStub", dataset_id: str) -> None:
    with pytest.raises(NotFound) as error, service_errors():
        await stub.GetDataset(pb.GetDatasetRequest(dataset_id=dataset_id))
    assert error.value.reason == "DATASET_NOT_FOUND"


class FileRequestHandler(BaseHTTPRequestHandler):
    """Handler of a web server with a dataset, one that grows, redirects, and an unknown path."""

    growing_requests = 0

    def do_GET(self) -> None:
        if self.path == "/moved":
            self._answer(302, location="/people.csv")
        elif self.path == "/loop":
            self._answer(302, location="/loop")
        elif self.path == "/people.csv":
            self._answer(200, CSV)
        elif self.path == "/growing":
            FileRequestHandler.growing_requests += 1
            self._answer(200, CSV * FileRequestHandler.growing_requests)
        else:
            self._answer(404)

    def _answer(self, code: int, body: bytes = b"", location: str | None = None) -> None:
        self.send_response(code)
        self.send_header("content-length", str(len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FileRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


async def test_import_from_an_address(server_url: str, settings: Settings, isolation: Isolation) -> None:
    open_settings = settings.model_copy(update={"allow_private_urls": True})
    async with build(open_settings, isolation) as (ingest, _):
        options = parse_options(common.DatasetOptions(user_id=str(uuid4())), caller=OPEN_CALLER)
        record = await import_url(ingest, f"{server_url}/moved", None, options)
        assert (record.rows, record.database_name, record.source_url) == (2, "people", f"{server_url}/moved")
        for path, message in (("/loop", "redirects"), ("/nothing", "404")):
            with pytest.raises(Unprocessable, match=message):
                await import_url(ingest, server_url + path, None, options)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/x.csv",
        "http://localhost:8000/x.csv",
        "http://[::1]/x.csv",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
        "http://0x7f000001/x",
        "http://[::ffff:127.0.0.1]/x",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "http://user:secret@example.com/x",
        "http://1.1.1.1:99999/",
        "http://xn--/",
        "not an address",
        "",
    ],
)
async def test_private_and_odd_addresses_are_refused(stub: "rpc.IngestServiceAsyncStub", address: str) -> None:
    with pytest.raises(InvalidInput) as error, service_errors():
        await stub.ImportDataset(pb.ImportDatasetRequest(dataset_url=address))
    assert error.value.reason == "INVALID_DATASET_URL"


async def test_parse_options_are_applied_and_reported(stub: "rpc.IngestServiceAsyncStub") -> None:
    options = common.DatasetOptions(user_id=str(uuid4()), delimiter="pipe", header_row=2, encoding="latin1")
    answer = await upload(stub, upload_messages(b"about\na|b\n1|2\n3|4|5\n\xe9|6\n", options=options))
    plan = answer.parse_plan
    assert (plan.delimiter, plan.header_row, plan.encoding, plan.rejected_rows) == ("|", 2, "iso8859-1", 1)
    assert answer.rows == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("delimiter", "ab"),
        ("delimiter", "x"),
        ("encoding", "klingon"),
        ("encoding", "idna"),
        ("encoding", "unicode_escape"),
        ("header_row", -1),
    ],
)
async def test_impossible_parse_options_are_refused(
    stub: "rpc.IngestServiceAsyncStub", field: str, value: str | int
) -> None:
    options = common.DatasetOptions(**{field: value})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as error:
        await upload(stub, upload_messages(options=options))
    assert error.value.fields[0].field == field


async def test_types_are_kept_with_the_run(stub: "rpc.IngestServiceAsyncStub", database: Database) -> None:
    options = common.DatasetOptions(user_id=str(uuid4()), types={"age": "text"})
    dataset = await upload(stub, upload_messages(options=options))
    record = await Datasets(database).get(UUID(dataset.dataset_id))
    assert record.run.options.types == {"age": "text"}


@pytest.mark.parametrize(
    ("types", "reason"), [({"size": "text"}, "UNKNOWN_COLUMN"), ({"age": "rope"}, "INVALID_INPUT")]
)
async def test_impossible_types_are_refused(
    stub: "rpc.IngestServiceAsyncStub", types: dict[str, str], reason: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        await upload(stub, upload_messages(options=common.DatasetOptions(types=types)))
    assert error.value.reason == reason


async def test_cancel_retry_delete(stub: "rpc.IngestServiceAsyncStub", store: ObjectStore, settings: Settings) -> None:
    dataset = await upload(stub, upload_messages())
    request_fields = {"dataset_id": dataset.dataset_id}
    for _ in range(2):
        cancelled = (await stub.CancelDataset(pb.CancelDatasetRequest(**request_fields))).dataset
        assert cancelled.state == common.DATASET_STATE_CANCELLED
    again = (await stub.RetryDataset(pb.RetryDatasetRequest(**request_fields))).dataset
    assert (again.state, again.progress) == (common.DATASET_STATE_UPLOADED, 0)
    with pytest.raises(Conflict) as error, service_errors():
        await stub.RetryDataset(pb.RetryDatasetRequest(**request_fields))
    assert error.value.reason == "RUN_HAS_NOT_FAILED"
    await stub.DeleteDataset(pb.DeleteDatasetRequest(**request_fields))
    assert [info.key async for info in store.list(f"datasets/{dataset.dataset_id}")] == []
    for call, request in (
        (stub.DeleteDataset, pb.DeleteDatasetRequest(**request_fields)),
        (stub.CancelDataset, pb.CancelDatasetRequest(**request_fields)),
        (stub.RetryDataset, pb.RetryDatasetRequest(**request_fields)),
        (stub.GetDataset, pb.GetDatasetRequest(**request_fields)),
    ):
        with pytest.raises(NotFound), service_errors():
            await call(request)  # type: ignore[arg-type]


async def test_what_is_cancelled_or_deleted_is_given_back(stub: "rpc.IngestServiceAsyncStub") -> None:
    user = str(uuid4())

    async def used() -> int:
        return next(
            quota.used
            for quota in (await stub.GetUsage(pb.GetUsageRequest(user_id=user))).modes
            if quota.mode == common.MODE_DEEP
        )

    options = common.DatasetOptions(user_id=user, mode=common.MODE_DEEP)
    dataset = await upload(stub, upload_messages(options=options))
    assert await used() == 1
    with pytest.raises(QuotaExceeded):
        await upload(stub, upload_messages(options=options))
    await stub.CancelDataset(pb.CancelDatasetRequest(dataset_id=dataset.dataset_id))
    assert await used() == 0
    await stub.RetryDataset(pb.RetryDatasetRequest(dataset_id=dataset.dataset_id))
    assert await used() == 1
    await stub.DeleteDataset(pb.DeleteDatasetRequest(dataset_id=dataset.dataset_id))
    assert await used() == 0


async def test_an_upload_whose_answer_is_lost_is_accepted_all_the_same(
    stub: "rpc.IngestServiceAsyncStub", monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = Datasets.accept

    async def lose_answer(
        self: Datasets, dataset: NewDataset, run: NewRun, usage: Usage | None = None, *, uploader: Caller
    ) -> DatasetRecord:
        await accept(self, dataset, run, usage, uploader=uploader)
        raise Unavailable("The database does not answer.", reason="DATABASE_UNAVAILABLE")

    monkeypatch.setattr(Datasets, "accept", lose_answer)
    options = common.DatasetOptions(user_id=str(uuid4()), mode=common.MODE_DEEP)
    accepted = await upload(stub, upload_messages(options=options))
    listed = await stub.ListDatasets(pb.ListDatasetsRequest(user_id=options.user_id))
    assert [dataset.dataset_id for dataset in listed.datasets] == [accepted.dataset_id]
