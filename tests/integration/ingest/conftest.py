"""IngestService with small limits."""

from collections.abc import AsyncIterator

import grpc
import pytest

from ingest_service.composition import build
from ingest_service.servicer import service
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.server import LOOPBACK, running_server
from shared.settings.processes import Settings


@pytest.fixture
async def stub(settings: Settings, isolation: Isolation) -> AsyncIterator["rpc.IngestServiceAsyncStub"]:
    limited = settings.model_copy(update={"max_upload_bytes": 2_000_000, "max_rows": 1000, "max_columns": 20})
    async with (
        build(limited, isolation) as (ingest, access),
        running_server(service(ingest), LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield rpc.IngestServiceStub(channel)
