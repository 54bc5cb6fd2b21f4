"""An S3 server that is down, refuses requests, or is reached over a bad network."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.bench.tables import mixed_table
from tests.faults.conftest import Measurements, restore
from tests.faults.tables import csv, large, small
from tests.faults.test_outages import inject_network_faults
from tests.faults.world import World

BUCKET = "objects"


@pytest.fixture(scope="module")
def s3_port() -> Iterator[int]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    port: int = moto.get_host_and_port()[1]
    s3_client(port).create_bucket(Bucket=BUCKET)
    yield port
    moto.stop()


def s3_client(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )


@pytest.fixture(scope="module")
async def s3_world(s3_port: int, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A system that stores its objects in S3."""
    settings = {"S3_BUCKET_NAME": BUCKET, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    world = World(tmp_path_factory.mktemp("remote"), settings=settings, store_port=s3_port)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def restored_after_each(s3_world: World) -> AsyncIterator[None]:
    yield
    await restore(s3_world)


def list_keys(s3_port: int) -> set[str]:
    return {entry["Key"] for entry in s3_client(s3_port).list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def list_uploads(s3_port: int) -> list[Any]:
    return list(s3_client(s3_port).list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


async def test_store_down(s3_world: World, s3_port: int) -> None:
    """Uploads are refused with 503, nothing is stored partly, and a run that needs the store is retried."""
    before = list_keys(s3_port)
    s3_world.arm("prepared", "sleep 2")
    running = await s3_world.upload(large(1))
    await s3_world.wait_for_failpoint("prepared")
    s3_world.proxies["store"].set("reset")
    answer = await s3_world.client.post("/dataset/upload", files={"file": ("x.csv", small(2))})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0
    run = await s3_world.wait_for_state(running, "queued")
    assert run["error_reason"] == "STORAGE_UNAVAILABLE"
    s3_world.proxies["store"].set("none")
    await s3_world.wait_until_ended([running])
    await s3_world.check([running])
    datasets = {key.split("/")[1] for key in list_keys(s3_port) - before}
    assert datasets == {running.dataset_id}


async def test_parts_refused(s3_world: World, s3_port: int) -> None:
    """A typed error, no object, and no parts."""
    content = csv(mixed_table(100_000, 16))
    assert len(content) > 8 << 20
    before = list_keys(s3_port)
    s3_world.proxies["store"].set("no parts")
    answer = await s3_world.client.post("/dataset/upload", files={"file": ("x.csv", content)})
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "STORAGE_UNAVAILABLE"
    assert list_uploads(s3_port) == []
    assert list_keys(s3_port) == before
    s3_world.proxies["store"].set("none")
    accepted = await s3_world.upload(content)
    await s3_world.wait_until_ended([accepted])
    assert list_uploads(s3_port) == []


@pytest.mark.timeout(240)
async def test_a_network_that_misbehaves(s3_world: World, measurements: Measurements) -> None:
    begun = time.monotonic()
    count, slowest = await inject_network_faults(s3_world, "store")
    measurements.add(
        f"S3 misbehaving in five ways: {count} uploads, none lost, {time.monotonic() - begun:.0f} s in all"
    )
    assert slowest < 5, "who asks for a status needs no object store"
