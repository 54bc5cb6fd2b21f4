"""The gRPC servicer of PipelineService: converts messages and calls the use cases."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from shared.db.dataset_ids import parse_dataset_id
from shared.pb.externalscaler import externalscaler_pb2_grpc as scaler
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2 as pb
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2_grpc as rpc
from shared.rpc.messages import to_message
from shared.rpc.server import Service
from worker_service.pipeline.convert import (
    event_message,
    export_message,
    parse_export,
    parse_run_id,
    parse_trial,
    queue_messages,
    run_message,
)
from worker_service.pipeline.exports import Exports
from worker_service.pipeline.external_scaler.queue_counts import QueueCounts
from worker_service.pipeline.external_scaler.servicer import ExternalScalerServicer
from worker_service.pipeline.recipe_checks import RecipeChecks
from worker_service.pipeline.service import Pipeline
from worker_service.pipeline.trials import Trials
from worker_service.pipeline.type_inference import TypeInference
from worker_service.pipeline.utility import Utilities

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class PipelineServicer(rpc.PipelineServiceServicer):
    """Implements the RPCs of PipelineService."""

    def __init__(
        self,
        pipeline: Pipeline,
        inference: TypeInference,
        recipes: RecipeChecks,
        utilities: Utilities,
        exports: Exports,
        trials: Trials,
    ) -> None:
        self._pipeline = pipeline
        self._inference = inference
        self._recipes = recipes
        self._utilities = utilities
        self._exports = exports
        self._trials = trials

    async def StartRun(self, request: pb.StartRunRequest, context: Context) -> pb.StartRunResponse:
        return pb.StartRunResponse(run=run_message(await self._pipeline.start_run(parse_run_id(request.run_id))))

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        return pb.GetRunResponse(run=run_message(await self._pipeline.get_run(parse_run_id(request.run_id))))

    async def WatchRun(self, request: pb.WatchRunRequest, context: Context) -> AsyncIterator[pb.WatchRunResponse]:
        dataset_id = parse_dataset_id(request.dataset_id)
        async for event in self._pipeline.watch(dataset_id, after=request.after_sequence):
            yield pb.WatchRunResponse(event=None if event is None else event_message(event))

    async def InferTypes(self, request: pb.InferTypesRequest, context: Context) -> pb.InferTypesResponse:
        columns = await self._inference.infer(request.table, request.types)
        return pb.InferTypesResponse(columns=[to_message(column, pb.InferredType) for column in columns])

    async def CheckRecipe(self, request: pb.CheckRecipeRequest, context: Context) -> pb.CheckRecipeResponse:
        return pb.CheckRecipeResponse(steps=await self._recipes.check(request.content))

    async def GetUtility(self, request: pb.GetUtilityRequest, context: Context) -> pb.GetUtilityResponse:
        certificate = await self._utilities.get(parse_dataset_id(request.dataset_id))
        return pb.GetUtilityResponse(utility=to_message(certificate, pb.Utility))

    async def ExportRecipe(self, request: pb.ExportRecipeRequest, context: Context) -> pb.ExportRecipeResponse:
        form, dialect = parse_export(request)
        export = await self._exports.get(parse_dataset_id(request.dataset_id), request.version, form, dialect)
        return export_message(export)

    async def TryRecipe(self, request: pb.TryRecipeRequest, context: Context) -> pb.TryRecipeResponse:
        dry_run = await self._trials.carry_out(parse_dataset_id(request.dataset_id), parse_trial(request))
        return pb.TryRecipeResponse(dry_run=to_message(dry_run, pb.DryRun))

    async def ListQueues(self, request: pb.ListQueuesRequest, context: Context) -> pb.ListQueuesResponse:
        redis = await self._pipeline.redis_info()
        return pb.ListQueuesResponse(
            queues=queue_messages(await self._pipeline.queue_loads()),
            redis=None if redis is None else to_message(redis, pb.RedisServer),
        )

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Context) -> pb.ListWorkersResponse:
        workers = [to_message(heartbeat, pb.Worker) for heartbeat in await self._pipeline.workers()]
        return pb.ListWorkersResponse(workers=workers)


def service(servicer: PipelineServicer, counts: QueueCounts) -> Service:
    """Return PipelineService, with the interface for KEDA beside it, in the form that `serve` takes."""

    def add(server: grpc.aio.Server) -> None:
        rpc.add_PipelineServiceServicer_to_server(servicer, server)
        scaler.add_ExternalScalerServicer_to_server(ExternalScalerServicer(counts), server)

    return Service("neuralearn.pipeline.v1.PipelineService", add)
