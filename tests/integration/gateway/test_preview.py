"""A preview takes the same requests as an upload."""

import hashlib

import httpx

from tests.fakes.services import FakeIngest
from tests.integration.gateway.forms import CSV


async def test_a_file_is_previewed(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    response = await client.post("/dataset/preview", files={"file": ("s.csv", CSV)}, data={"delimiter": ";"})
    assert response.status_code == 200, response.text
    assert response.json() == {
        "filename": "s.csv",
        "size_bytes": 6,
        "parse_plan": {
            "format": "csv",
            "encoding": "utf-8",
            "delimiter": ",",
            "compression": None,
            "header_row": 1,
            "sheet": None,
            "rejected_rows": 0,
            "mended_rows": 0,
            "notes": [],
        },
        "rows": 2,
        "columns": [{"name": "a", "type": "integer", "why": "Both values are whole numbers."}],
        "sample_rows": [["1"], [None]],
        "delimiters": [{"delimiter": ",", "score": 0.9}],
        "header_rows": [{"header_row": 1, "score": 1.0}],
        "encodings": [],
        "expected_seconds": None,
    }
    (received,) = ingest.previews
    assert received.options is not None
    assert (received.sha256, received.options.delimiter) == (hashlib.sha256(CSV).hexdigest(), ";")
    assert ingest.uploads == []


async def test_an_address_is_previewed(client: httpx.AsyncClient, ingest: FakeIngest) -> None:
    response = await client.post("/dataset/preview", json={"dataset_url": "https://example.org/a.csv", "sheet": "2"})
    assert (response.status_code, response.json()["filename"]) == (200, "https://example.org/a.csv")
    (received,) = ingest.previews
    assert received.options is not None and received.options.sheet == "2"


async def test_a_preview_without_a_dataset_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/dataset/preview", data={"mode": "fast"})
    assert (response.status_code, response.json()["reason"]) == (422, "NO_DATASET")
