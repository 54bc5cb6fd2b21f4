"""Downloads of tables: ranges, validators, redirects."""

import asyncio

import httpx
import pytest

from tests.fakes.services import DATASET_ID, GRAPH_ID, TABLE, FakeReport
from tests.integration.gateway.forms import assert_problem

TABLE_PATH = f"/dataset/{DATASET_ID}/cleaned"


@pytest.mark.parametrize("name", ["raw", "cleaned", "engineered", "changes?format=csv"])
async def test_a_table_is_streamed(client: httpx.AsyncClient, report: FakeReport, name: str) -> None:
    report.filename = 'sales "Größe".csv'
    response = await client.get(f"/dataset/{DATASET_ID}/{name}")
    assert (response.status_code, response.content) == (200, TABLE)
    assert response.headers["etag"] == '"v1"'
    assert response.headers["content-length"] == str(len(TABLE))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == (
        "attachment; filename=\"sales _Gr__e_.csv\"; filename*=UTF-8''sales%20%22Gr%C3%B6%C3%9Fe%22.csv"
    )


async def test_the_format_is_passed_on(client: httpx.AsyncClient, report: FakeReport) -> None:
    for path in ("cleaned", "engineered?format=parquet", "raw", "cleaned?format=xlsx", "changes?format=jsonl"):
        await client.get(f"/dataset/{DATASET_ID}/{path}")
    assert [(request.table, request.format) for request in report.tables] == [(2, 1), (3, 2), (1, 0), (2, 3), (4, 5)]
    await client.get(f"/dataset/{DATASET_ID}/cleaned?charset=utf8_bom")
    assert report.tables[-1].charset == 2
    await client.get(f"/dataset/{DATASET_ID}/engineered?row_id=true")
    assert report.tables[-1].row_id
    for query in ("format=xls", "charset=ebcdic"):
        body = assert_problem(await client.get(f"{TABLE_PATH}?{query}"), 422, "INVALID_INPUT")
        assert body["errors"][0]["field"] == query.partition("=")[0]


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
    response = await client.get(TABLE_PATH, headers={"Range": value})
    assert (response.status_code, response.content) == (206, TABLE[start:end])
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("value", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
async def test_a_range_outside_of_the_file(client: httpx.AsyncClient, value: str) -> None:
    response = await client.get(TABLE_PATH, headers={"Range": value})
    assert_problem(response, 416, "RANGE_NOT_SATISFIABLE")
    assert response.headers["content-range"] == f"bytes */{SIZE}"


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
    response = await client.get(TABLE_PATH, headers=headers)
    assert (response.status_code, len(response.content)) == (200, SIZE)


async def test_a_range_of_the_same_entity(client: httpx.AsyncClient) -> None:
    response = await client.get(TABLE_PATH, headers={"Range": "bytes=0-1", "If-Range": '"v1"'})
    assert (response.status_code, response.content) == (206, TABLE[:2])


@pytest.mark.parametrize("value", ['"v1"', 'W/"v1"', '"v0", "v1"', "*"])
@pytest.mark.parametrize("path", [TABLE_PATH, f"/dataset/{DATASET_ID}/graph/{GRAPH_ID}"])
async def test_what_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, report: FakeReport, path: str, value: str
) -> None:
    etag = (await client.get(path)).headers["etag"]
    report.downloads.clear()
    response = await client.get(path, headers={"If-None-Match": value.replace('"v1"', etag), "Range": "bytes=0-1"})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
    assert not report.downloads


async def test_head_describes_without_fetching(client: httpx.AsyncClient, report: FakeReport) -> None:
    response = await client.head(TABLE_PATH, headers={"Range": "bytes=0-1"})
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(SIZE)
    assert not report.downloads
    missing = await client.head("/dataset/x/cleaned")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_an_empty_table(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.table = b""
    response = await client.get(TABLE_PATH)
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "0")
    assert (await client.get(TABLE_PATH, headers={"Range": "bytes=0-"})).status_code == 416


async def test_a_redirect_to_the_object_store(client: httpx.AsyncClient, report: FakeReport) -> None:
    assert (await client.get(TABLE_PATH + "?redirect=true")).status_code == 200
    report.download_url = "https://bucket.example/x?signature=1"
    response = await client.get(TABLE_PATH + "?redirect=true")
    assert (response.status_code, response.headers["location"]) == (307, report.download_url)
    assert (await client.get(TABLE_PATH)).content == TABLE


async def test_a_download_that_falls_short_shows_as_one(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.announced_bytes = SIZE + 1
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(TABLE_PATH)


async def test_a_client_that_leaves_a_download_ends_the_call(client: httpx.AsyncClient, report: FakeReport) -> None:
    report.table = TABLE * 200
    async with client.stream("GET", TABLE_PATH) as response:
        async for _ in response.aiter_bytes():
            break
    await asyncio.wait_for(report.cancelled.wait(), 5)
