"""PipelineService, in the gateway's terms."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import grpc

from gateway.clients.calls import call, metadata
from gateway.convert.answers import run_event
from gateway.convert.requests import fill_change
from gateway.convert.to_model import to_model
from gateway.schemas.datasets import RunEvent
from gateway.schemas.service import Queue, Queues, RedisServer, Worker, Workers
from gateway.schemas.utility import Utility
from gateway.schemas.versions import DryRun, RecipeChange
from shared.errors import NotFound, Unavailable
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pb
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2_grpc as rpc
from shared.rpc.channel import RENDER_SECONDS
from shared.rpc.status import service_errors

WATCH_SECONDS = 3600.0
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Progressed:
    """An event of a run with its sequence number."""

    sequence: int
    event: RunEvent


@dataclass(frozen=True)
class Removed:
    """The dataset was removed; nothing follows."""


WatchEvent = Progressed | Removed | None
"""None keeps the connection alive."""


@dataclass(frozen=True)
class ExportedFile:
    """A recipe in the form of another tool."""

    content: bytes
    filename: str
    media_type: str
    left_out: tuple[int, ...]
    """The places of the steps that it does not have, from 1."""


class PipelineClient:
    """Watches runs, queues and workers."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = rpc.PipelineServiceStub(channel)

    async def utility(self, dataset_id: str) -> Utility:
        """Return what a preparation gains, made where that has not been done."""
        request = pb.GetUtilityRequest(dataset_id=dataset_id)
        answer = await call(self._stub.GetUtility, request, timeout=RENDER_SECONDS)
        return to_model(answer.utility, Utility, dataset_id=dataset_id)

    async def export(self, dataset_id: str, form: str, dialect: str, version: int) -> ExportedFile:
        """Return the recipe of a dataset in the form of another tool."""
        request = pb.ExportRecipeRequest(dataset_id=dataset_id, format=form, dialect=dialect, version=version)
        answer = await call(self._stub.ExportRecipe, request, timeout=RENDER_SECONDS)
        steps = tuple(each.step for each in answer.left_out)
        return ExportedFile(answer.content, answer.filename, answer.media_type, steps)

    async def try_recipe(self, dataset_id: str, change: RecipeChange) -> DryRun:
        """Return what a recipe would do, changed as asked for."""
        request = pb.TryRecipeRequest(dataset_id=dataset_id)
        fill_change(request, change)
        answer = await call(self._stub.TryRecipe, request, timeout=RENDER_SECONDS)
        return to_model(answer.dry_run, DryRun, dataset_id=dataset_id)

    async def list_queues(self) -> Queues:
        """Return the work in each queue, and what Redis says of itself."""
        answer = await call(self._stub.ListQueues, pb.ListQueuesRequest())
        redis = to_model(answer.redis, RedisServer) if answer.HasField("redis") else None
        return Queues(queues=[to_model(message, Queue) for message in answer.queues], redis=redis)

    async def list_workers(self) -> Workers:
        """Return the workers that gave a sign of life lately."""
        answer = await call(self._stub.ListWorkers, pb.ListWorkersRequest())
        return Workers(workers=[to_model(message, Worker) for message in answer.workers])

    async def watch(self, dataset_id: str, *, after: int) -> AsyncGenerator[WatchEvent]:
        """Yield what happens to a dataset's run behind an event, until it has ended.

        Once there has been an answer, a service that goes away is waited for: browsers do not ask again where the
        second answer is a refusal.
        """
        answered = False
        while True:
            try:
                async with aclosing(self._watch(dataset_id, after=after)) as stream:
                    async for event in stream:
                        answered = True
                        yield event
                        after = event.sequence if event is not None else after
                return
            except NotFound:
                if not answered:
                    raise
                yield Removed()
                return
            except Unavailable:
                if not answered:
                    raise
            yield None
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self, dataset_id: str, *, after: int) -> AsyncGenerator[Progressed | None]:
        request = pb.WatchRunRequest(dataset_id=dataset_id, after_sequence=after)
        call = self._stub.WatchRun(request, timeout=WATCH_SECONDS, metadata=metadata())
        try:
            with service_errors():
                async for answer in call:
                    event = answer.event
                    yield Progressed(event.sequence, run_event(event)) if answer.HasField("event") else None
        finally:
            call.cancel()
