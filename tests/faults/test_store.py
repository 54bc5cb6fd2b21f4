"""An S3 server that goes away, refuses, or is reached over a bad network."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.bench.tables import mixed_table
from tests.faults.conftest import Figure, mend
from tests.faults.tables import csv, large, small
from tests.faults.test_outages import misbehaving
from tests.faults.world import World

BUCKET = "objects"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    port: int = moto.get_host_and_port()[1]
    admin(port).create_bucket(Bucket=BUCKET)
    yield port
    moto.stop()


def admin(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )


@pytest.fixture(scope="module")
async def remote(server: int, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world that keeps its objects in S3."""
    settings = {"S3_BUCKET_NAME": BUCKET, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    world = World(tmp_path_factory.mktemp("remote"), settings=settings, store_port=server)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def whole(remote: World) -> AsyncIterator[None]:
    yield
    await mend(remote)


def keys(server: int) -> set[str]:
    return {entry["Key"] for entry in admin(server).list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def uploads(server: int) -> list[Any]:
    return list(admin(server).list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


async def test_store_down(remote: World, server: int) -> None:
    """Uploads are refused honestly, nothing is half-stored, and a run that needs the store is tried again."""
    before = keys(server)
    remote.arm("prepared", "sleep 2")
    running = await remote.upload(large(1))
    await remote.fired("prepared")
    remote.proxies["store"].set("reset")
    answer = await remote.client.post("/dataset/upload", files={"file": ("x.csv", small(2))})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0
    run = await remote.until(running, "queued")
    assert run["error_reason"] == "STORAGE_UNAVAILABLE"
    remote.proxies["store"].set("none")
    await remote.settled([running])
    await remote.check([running])
    datasets = {key.split("/")[1] for key in keys(server) - before}
    assert datasets == {running.dataset_id}


async def test_parts_refused(remote: World, server: int) -> None:
    """A typed error, no object, and no parts."""
    content = csv(mixed_table(100_000, 16))
    assert len(content) > 8 << 20
    before = keys(server)
    remote.proxies["store"].set("no parts")
    answer = await remote.client.post("/dataset/upload", files={"file": ("x.csv", content)})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_UNAVAILABLE"
    assert uploads(server) == []
    assert keys(server) == before
    remote.proxies["store"].set("none")
    accepted = await remote.upload(content)
    await remote.settled([accepted])
    assert uploads(server) == []


@pytest.mark.timeout(240)
async def test_a_network_that_misbehaves(remote: World, figure: Figure) -> None:
    begun = time.monotonic()
    count, slowest = await misbehaving(remote, "store")
    figure(f"S3 misbehaving in five ways: {count} uploads, none lost, {time.monotonic() - begun:.0f} s in all")
    assert slowest < 5, "who asks for a status needs no object store"
