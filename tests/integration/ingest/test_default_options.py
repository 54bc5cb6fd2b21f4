"""What a deployment decides for uploads that leave it open."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from ingest_service.composition import build
from ingest_service.options import OptionDefaults
from ingest_service.servicer import service
from shared.isolation.isolation import Isolation
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.server import LOOPBACK, running_server
from shared.settings.processes import Settings
from tests.integration.ingest.uploads import upload, upload_messages


@pytest.fixture
async def capping(settings: Settings, isolation: Isolation) -> AsyncIterator[Any]:
    defaults = OptionDefaults(outlier_strategy="cap", privacy="mask")
    async with (
        build(settings, isolation) as (ingest, access),
        running_server(service(ingest, defaults=defaults), LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield rpc.IngestServiceStub(channel)


async def test_a_deployment_decides_how_outliers_are_treated(capping: "rpc.IngestServiceAsyncStub") -> None:
    dataset = await upload(capping, upload_messages())
    assert dataset.outlier_strategy == common.OUTLIER_STRATEGY_CAP
    asked = common.DatasetOptions(outlier_strategy=common.OUTLIER_STRATEGY_FLAG)
    assert (await upload(capping, upload_messages(options=asked))).outlier_strategy == common.OUTLIER_STRATEGY_FLAG


async def test_a_deployment_decides_what_is_done_with_personal_data(capping: "rpc.IngestServiceAsyncStub") -> None:
    assert (await upload(capping, upload_messages())).privacy == common.PRIVACY_METHOD_MASK
    asked = common.DatasetOptions(privacy=common.PRIVACY_METHOD_KEEP)
    assert (await upload(capping, upload_messages(options=asked))).privacy == common.PRIVACY_METHOD_KEEP


async def test_a_new_preparation_follows_the_deployment_too(capping: "rpc.IngestServiceAsyncStub") -> None:
    asked = common.DatasetOptions(outlier_strategy=common.OUTLIER_STRATEGY_FLAG)
    dataset = await upload(capping, upload_messages(options=asked))
    await capping.CancelDataset(pb.CancelDatasetRequest(dataset_id=dataset.dataset_id))
    again = await capping.PrepareDataset(pb.PrepareDatasetRequest(dataset_id=dataset.dataset_id))
    assert again.dataset.outlier_strategy == common.OUTLIER_STRATEGY_CAP
