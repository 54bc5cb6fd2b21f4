"""KEDA's questions about the queues, over gRPC."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from shared.db.runs import QueueLoad
from shared.identity.access_control import AccessControl, OpenAccess
from shared.pb.externalscaler import externalscaler_pb2 as pb
from shared.pb.externalscaler import externalscaler_pb2_grpc as rpc
from shared.rpc.server import LOOPBACK, Service, running_server
from worker_service.pipeline.external_scaler.queue_counts import QueueCounts
from worker_service.pipeline.external_scaler.servicer import ExternalScalerServicer


class Loads:
    """Runs whose numbers a test sets."""

    def __init__(self) -> None:
        self.loads: dict[str, QueueLoad] = {}
        self.asked = 0

    async def load(self) -> dict[str, QueueLoad]:
        self.asked += 1
        return self.loads


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
async def stub(loads: Loads) -> AsyncIterator["rpc.ExternalScalerAsyncStub"]:
    servicer = ExternalScalerServicer(QueueCounts(loads, fresh_seconds=0.05))  # type: ignore[arg-type]
    service = Service(
        "externalscaler.ExternalScaler", lambda server: rpc.add_ExternalScalerServicer_to_server(servicer, server)
    )
    access: AccessControl = OpenAccess()
    async with (
        running_server(service, LOOPBACK, access=access) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield rpc.ExternalScalerStub(channel)


def trigger(queue: str = "eda_fast", **metadata: str) -> pb.ScaledObjectRef:
    return pb.ScaledObjectRef(name="worker-fast", namespace="x", scalerMetadata={"queue": queue, **metadata})


async def value(stub: "rpc.ExternalScalerAsyncStub", queue: str) -> float:
    request = pb.GetMetricsRequest(scaledObjectRef=trigger(queue), metricName=f"neuralearn_queue_work_{queue}")
    (metric,) = (await stub.GetMetrics(request)).metricValues
    return metric.metricValueFloat


async def test_work_is_what_waits_and_what_is_executed(stub: "rpc.ExternalScalerAsyncStub", loads: Loads) -> None:
    loads.loads = {"eda_fast": QueueLoad(ready=7, running=2, deferred=5), "eda_deep": QueueLoad()}
    assert await value(stub, "eda_fast") == 9
    assert await value(stub, "eda_deep") == 0
    assert (await stub.IsActive(trigger())).result
    assert not (await stub.IsActive(trigger("eda_deep"))).result


async def test_the_target_is_that_of_the_trigger(stub: "rpc.ExternalScalerAsyncStub") -> None:
    (spec,) = (await stub.GetMetricSpec(trigger(runsPerWorker="2.5"))).metricSpecs
    assert (spec.metricName, spec.targetSizeFloat) == ("neuralearn_queue_work_eda_fast", 2.5)
    (spec,) = (await stub.GetMetricSpec(trigger())).metricSpecs
    assert spec.targetSizeFloat == 4


@pytest.mark.parametrize("metadata", [{"queue": "eda"}, {"queue": "eda_fast", "runsPerWorker": "none"}])
async def test_a_wrong_trigger_is_told_so(stub: "rpc.ExternalScalerAsyncStub", metadata: dict[str, str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await stub.GetMetricSpec(pb.ScaledObjectRef(scalerMetadata=metadata))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "metadata." in (error.value.details() or "")


async def test_a_change_is_pushed(stub: "rpc.ExternalScalerAsyncStub", loads: Loads) -> None:
    stream = stub.StreamIsActive(trigger("eda_deep"))
    first = await asyncio.wait_for(stream.read(), 5)
    assert isinstance(first, pb.IsActiveResponse) and not first.result
    loads.loads = {"eda_deep": QueueLoad(ready=1)}
    second = await asyncio.wait_for(stream.read(), 5)
    assert isinstance(second, pb.IsActiveResponse) and second.result
    stream.cancel()


async def test_many_questions_cost_one_count(loads: Loads) -> None:
    counts = QueueCounts(loads, fresh_seconds=60)  # type: ignore[arg-type]
    await asyncio.gather(*(counts.work("eda_fast") for _ in range(20)))
    assert loads.asked == 1
