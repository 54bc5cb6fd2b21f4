"""Server-sent events through the gateway, and how a stream of them ends."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from shared.errors import NotFound, ServiceError
from tests.fakes.services import DATASET_ID, PENDING_ID
from tests.integration.gateway.conftest import Services
from tests.integration.gateway.process import gateway_process


async def test_events_are_named_and_numbered(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/dataset/{DATASET_ID}/events")
    first, second, data = response.text.strip().splitlines()
    assert (first, second) == ("id: 1", "event: progress")
    assert data.startswith('data: {"status":"completed"')
    assert response.headers["content-type"].startswith("text/event-stream")
    assert (await client.get(f"/dataset/{DATASET_ID}/events", headers={"Last-Event-ID": "1"})).status_code == 204


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (
            NotFound("There is no dataset.", reason="DATASET_NOT_FOUND"),
            f'event: removed\ndata: {{"dataset_id": "{PENDING_ID}"}}',
        ),
        (ServiceError("A defect.", reason="INTERNAL"), ": still here"),
    ],
)
async def test_a_stream_that_can_not_go_on_ends_properly(
    tmp_path: Path, fakes: Services, error: Exception, last: str
) -> None:
    fakes.pipeline.end = None
    with gateway_process(tmp_path, fakes.targets) as gateway:
        async with (
            httpx.AsyncClient(base_url=gateway.url, timeout=20) as client,
            client.stream("GET", f"/dataset/{PENDING_ID}/events") as response,
        ):
            text = ""
            async for chunk in response.aiter_text():
                text += chunk
                # Only at this point is it certain that the service has answered twice.
                if ": still here" in text:
                    fakes.pipeline.end = error
        assert text.startswith("id: 1\n")
        assert text.rstrip().endswith(last)
    assert "Traceback" not in gateway.log.read_text()


async def test_a_stopping_gateway_begins_no_stream(tmp_path: Path, fakes: Services) -> None:
    fakes.pipeline.end, fakes.pipeline.pause = None, 1.0
    with gateway_process(tmp_path, fakes.targets) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, timeout=20) as client:
            request = asyncio.create_task(client.get(f"/dataset/{PENDING_ID}/events"))
            await asyncio.sleep(0.5)
            gateway.process.terminate()
            terminated_at = time.monotonic()
            response = await request
        fakes.pipeline.pause = 0.0
        assert response.text.startswith("id: 1\n")
        assert gateway.process.wait(timeout=10) in {0, -15}
        assert time.monotonic() - terminated_at < 8
    assert "Traceback" not in gateway.log.read_text()


async def test_a_stopping_gateway_ends_streams_properly_and_at_once(tmp_path: Path, fakes: Services) -> None:
    fakes.pipeline.end = None
    with gateway_process(tmp_path, fakes.targets) as gateway:
        async with (
            httpx.AsyncClient(base_url=gateway.url, timeout=20) as client,
            client.stream("GET", f"/dataset/{PENDING_ID}/events") as response,
        ):
            terminated_at = None
            async for _ in response.aiter_text():  # raises where the stream is cut off
                if terminated_at is None:
                    terminated_at = time.monotonic()
                    gateway.process.terminate()
            assert terminated_at is not None
            assert gateway.process.wait(timeout=10) in {0, -15}
        assert time.monotonic() - terminated_at < 8
    assert "Traceback" not in gateway.log.read_text()
