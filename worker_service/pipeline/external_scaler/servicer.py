"""The answers to KEDA: how much work there is in a queue, and how much a worker should have.

Work is what waits and what is executed: a worker that is busy is never one too many.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from shared.errors import InvalidInput
from shared.pb.externalscaler import externalscaler_pb2 as pb
from shared.pb.externalscaler import externalscaler_pb2_grpc as rpc
from shared.queue import QUEUES
from worker_service.pipeline.external_scaler.queue_counts import FRESH_SECONDS, QueueCounts

RUNS_PER_WORKER = 4.0
"""The runs, waiting or executed, for each worker, unless the trigger says otherwise."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ExternalScalerServicer(rpc.ExternalScalerServicer):
    """Implements the RPCs that KEDA calls. They say nothing of any dataset, and need no credential: KEDA sends none."""

    def __init__(self, counts: QueueCounts) -> None:
        self._counts = counts

    async def IsActive(self, request: pb.ScaledObjectRef, context: Context) -> pb.IsActiveResponse:
        return pb.IsActiveResponse(result=await self._counts.work(_queue(request)) > 0)

    async def StreamIsActive(self, request: pb.ScaledObjectRef, context: Context) -> AsyncIterator[pb.IsActiveResponse]:
        queue, answered = _queue(request), None
        while True:
            is_active = await self._counts.work(queue) > 0
            if is_active != answered:
                yield pb.IsActiveResponse(result=is_active)
                answered = is_active
            await asyncio.sleep(FRESH_SECONDS)

    async def GetMetricSpec(self, request: pb.ScaledObjectRef, context: Context) -> pb.GetMetricSpecResponse:
        spec = pb.MetricSpec(metricName=_metric(_queue(request)), targetSizeFloat=_runs_per_worker(request))
        return pb.GetMetricSpecResponse(metricSpecs=[spec])

    async def GetMetrics(self, request: pb.GetMetricsRequest, context: Context) -> pb.GetMetricsResponse:
        queue = _queue(request.scaledObjectRef)
        value = pb.MetricValue(metricName=_metric(queue), metricValueFloat=await self._counts.work(queue))
        return pb.GetMetricsResponse(metricValues=[value])


def _queue(trigger: pb.ScaledObjectRef) -> str:
    """Return the queue that a trigger names.

    Raises:
        InvalidInput: it names none that there is.
    """
    queue = trigger.scalerMetadata.get("queue", "")
    if queue not in QUEUES:
        raise InvalidInput(f"metadata.queue must be {' or '.join(QUEUES)}, not {queue[:100]!r}.")
    return queue


def _runs_per_worker(trigger: pb.ScaledObjectRef) -> float:
    text = trigger.scalerMetadata.get("runsPerWorker", "") or str(RUNS_PER_WORKER)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InvalidInput(f"metadata.runsPerWorker must be a number above 0, not {text[:100]!r}.")
    return number


def _metric(queue: str) -> str:
    return f"neuralearn_queue_work_{queue}"
