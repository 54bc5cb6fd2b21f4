"""The status of a stream that the server ends while the client is still writing."""

from collections.abc import AsyncIterator

import grpc
import pytest

from gateway.convert import requests as convert
from shared.errors import TooLarge
from shared.identity.access_control import OpenAccess
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc
from shared.rpc.channel import CHUNK_BYTES, open_channel
from shared.rpc.early_status import stream_to
from shared.rpc.server import LOOPBACK, running_server
from tests.fakes.services import FakeIngest, served


async def many_chunks() -> AsyncIterator[convert.UploadPart]:
    yield convert.upload_header(filename="a.csv", request_id="")
    for _ in range(200):
        yield convert.upload_chunk(bytes(CHUNK_BYTES))


async def test_the_servers_status_survives_the_write_that_came_too_late() -> None:
    fake = FakeIngest(error=TooLarge("too large"), fail_after_bytes=CHUNK_BYTES)
    async with (
        running_server(served(fake), LOOPBACK, access=OpenAccess()) as port,
        open_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = ingest_pb2_grpc.IngestServiceStub(channel)
        # Without `stream_to`, about one call in seventy ends with INTERNAL.
        for _ in range(200):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stream_to(stub.UploadDataset, many_chunks(), timeout=10, metadata=())
            assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
