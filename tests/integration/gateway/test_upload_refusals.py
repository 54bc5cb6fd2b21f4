"""Invalid uploads: refused with a precise problem, and nothing is stored."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.services import FakeIngest
from tests.integration.gateway.forms import CSV, FILE, FORM_TYPE, Part, assert_problem, form, upload

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
    assert not any(received.committed for received in ingest.uploads)
    assert not ingest.imports


async def test_a_wrong_choice_lists_what_is_allowed(client: httpx.AsyncClient) -> None:
    for response in (
        await upload(client, FILE, ("mode", None, b"turbo")),
        await upload(client, FILE, path="/dataset/upload?mode=turbo"),
        await client.post("/dataset/upload", json={"mode": "turbo"}),
    ):
        body = assert_problem(response, 422, "INVALID_INPUT")
        assert "'fast', 'smart' or 'deep'" in body["errors"][0]["detail"]


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
    response = await client.post("/dataset/upload", content=body, headers={"Content-Type": content_type})
    assert_problem(response, status, reason)


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 60])
async def test_a_body_that_ends_in_the_middle_stores_nothing(
    client: httpx.AsyncClient, ingest: FakeIngest, cut: int
) -> None:
    body = form(FILE)
    response = await client.post("/dataset/upload", content=body[: len(body) - 2 - cut], headers=FORM_TYPE)
    assert_problem(response, 422, "UPLOAD_CUT_OFF")
    assert not any(received.committed for received in ingest.uploads)


async def test_every_cut_of_the_stream_into_pieces_gives_the_same_file(
    client: httpx.AsyncClient, ingest: FakeIngest
) -> None:
    content = b"\r\n--B\r\r\n--\r\n--C--" * 3
    body = form(("user_id", None, b"ada"), ("file", "a.csv", content), ("mode", None, b"deep"))

    async def single_bytes() -> AsyncIterator[bytes]:
        for position in range(len(body)):
            yield body[position : position + 1]

    response = await client.post("/dataset/upload", content=single_bytes(), headers=FORM_TYPE)
    # A line that begins with the boundary cannot be data, and the parser refuses it rather than guess.
    assert response.status_code in {200, 422}
    content = b"\r\n--C\r\r\n--\r\n-B--" * 3
    body = form(("user_id", None, b"ada"), ("file", "a.csv", content), ("mode", None, b"deep"))
    ingest.reset()
    assert (await client.post("/dataset/upload", content=single_bytes(), headers=FORM_TYPE)).status_code == 200
    assert ingest.uploads[0].sha256 == hashlib.sha256(content).hexdigest()
