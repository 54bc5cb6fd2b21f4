"""Retries of calls over `open_channel` to a service that answers UNAVAILABLE."""

from typing import Any

import grpc
import pytest

from shared.errors import Unavailable
from shared.identity.access_control import OpenAccess
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.channel import open_channel
from shared.rpc.server import LOOPBACK, running_server
from tests.fakes.services import Context, FakeIngest, served


class UnavailableIngest(FakeIngest):
    """An ingest service that counts the calls and answers each with UNAVAILABLE."""

    calls = 0

    def _record_metadata(self, context: Context) -> None:
        self.calls += 1
        raise Unavailable("Not now.", reason="NOT_NOW")


@pytest.mark.parametrize(
    ("method", "request_", "calls"),
    [
        ("GetDataset", pb.GetDatasetRequest(dataset_id="x"), 3),
        ("CancelDataset", pb.CancelDatasetRequest(dataset_id="x"), 3),
        # If the first call was carried out and only its answer lost, a second one would get a wrong answer.
        ("RetryDataset", pb.RetryDatasetRequest(dataset_id="x"), 1),
        ("DeleteDataset", pb.DeleteDatasetRequest(dataset_id="x"), 1),
        ("ImportDataset", pb.ImportDatasetRequest(dataset_url="http://x"), 1),
    ],
)
async def test_only_what_may_be_done_twice_is_repeated(method: str, request_: Any, calls: int) -> None:
    service = UnavailableIngest()
    async with (
        running_server(served(service), LOOPBACK, access=OpenAccess()) as port,
        open_channel(f"127.0.0.1:{port}") as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await getattr(rpc.IngestServiceStub(channel), method)(request_, timeout=20)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert service.calls == calls
