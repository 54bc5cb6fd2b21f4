"""Composition of IngestService from its settings."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from ingest_service.archive import Archive
from ingest_service.collaborations import Collaborations
from ingest_service.comments import DatasetComments
from ingest_service.datasets import AcceptedDatasets
from ingest_service.decoder import Decoder, DecoderLimits
from ingest_service.decoding import Limits
from ingest_service.due_notifier import DueNotifier, NotifyDue
from ingest_service.fetch import Fetcher
from ingest_service.intake import Intake, IntakePolicy
from ingest_service.previews import InferredType, InferTypes, Previews
from ingest_service.recipes import CheckRecipe, RecipeShelf
from ingest_service.revisions import Revisions
from ingest_service.use_cases import UseCases
from ingest_service.user_erasure import UserErasure
from shared.db.audit import AuditTrail
from shared.db.comments import Comments
from shared.db.datasets import Datasets
from shared.db.erasure import Erasure
from shared.db.events import Events
from shared.db.members import Members
from shared.db.recipes import Recipes
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.identity.access_control import AccessControl
from shared.identity.composition import build_access_control
from shared.identity.tokens import ServiceTokens
from shared.isolation.isolation import Isolation
from shared.isolation.recycled_children import children_of_small_tasks
from shared.outbound import OutboundGuard
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from shared.rpc.calls import client_call, request_metadata
from shared.rpc.channel import open_channel
from shared.rpc.credentials import process_metadata
from shared.rpc.metrics import method_of
from shared.rpc.status import service_errors
from shared.scratch import Scratch
from shared.settings.processes import IngestSettings
from shared.storage import open_store

PRELOAD = ("ingest_service.decoding", "pandas")
"""Modules that the child processes share. Arrow imports pandas, for a second, when it first fills a numpy array."""
_NOTIFY_SECONDS = 2.0
_INFER_SECONDS = 30.0


@asynccontextmanager
async def build(settings: IngestSettings, isolation: Isolation) -> AsyncIterator[tuple[UseCases, AccessControl]]:
    """Build the use cases with everything they depend on, and close all of it at the end."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    channel = open_channel(settings.target("pipeline"), settings.tls_files())
    try:
        await database.check()
        scratch = Scratch(settings.scratch_dir)
        async with open_store(settings) as store, _open_decoder(settings, isolation, scratch) as decoder:
            await store.check()
            datasets, usage = Datasets(database), Usage(database, quota(settings))
            tokens = ServiceTokens(*settings.service_keys) if settings.service_keys else None
            pipeline = pipeline_pb2_grpc.PipelineServiceStub(channel)
            notifier = DueNotifier(_notify_due(pipeline, tokens))
            fetcher = Fetcher(allow_private=settings.allow_private_urls, max_bytes=settings.max_upload_bytes)
            members = Members(database)
            check_recipe = _check_recipe(pipeline, tokens)
            recipes = Recipes(database)
            shelf = RecipeShelf(
                recipes=recipes, datasets=datasets, members=members, store=store, check_recipe=check_recipe
            )
            intake = Intake(
                archive=Archive(datasets=datasets, members=members, store=store, usage=usage, recipes=shelf),
                decoder=decoder,
                fetcher=fetcher,
                scratch=scratch,
                notifier=notifier,
                policy=_intake_policy(settings),
            )
            previews = Previews(
                decoder=decoder,
                fetcher=fetcher,
                scratch=scratch,
                events=Events(database),
                infer_types=_infer_types(pipeline, tokens),
                max_bytes=settings.max_upload_bytes,
            )
            runs = Runs(database)
            accepted = AcceptedDatasets(
                datasets=datasets, runs=runs, store=store, usage=usage, scratch=scratch, notifier=notifier
            )
            revisions = Revisions(
                datasets=datasets, store=store, usage=usage, notifier=notifier, check_recipe=check_recipe
            )
            has_claims = settings.jwt_collaborations_claim is not None
            collaborations = Collaborations(members=members, trail=AuditTrail(database), has_claims=has_claims)
            erasure = UserErasure(datasets=datasets, store=store, erasure=Erasure(database))
            use_cases = UseCases(
                intake=intake,
                previews=previews,
                datasets=accepted,
                recipes=shelf,
                revisions=revisions,
                collaborations=collaborations,
                comments=DatasetComments(comments=Comments(database), members=members),
                erasure=erasure,
            )
            yield use_cases, build_access_control(settings, database)
    finally:
        await channel.close()
        await database.close()


def _intake_policy(settings: IngestSettings) -> IntakePolicy:
    return IntakePolicy(
        max_bytes=settings.max_upload_bytes,
        uploads_per_user=settings.max_concurrent_uploads_per_user,
        webhooks=_webhook_guard(settings),
    )


@asynccontextmanager
async def _open_decoder(settings: IngestSettings, isolation: Isolation, scratch: Scratch) -> AsyncIterator[Decoder]:
    limits = DecoderLimits(
        table=Limits(max_rows=settings.max_rows, max_columns=settings.max_columns),
        memory_bytes=settings.run_memory_bytes,
        concurrency=settings.decode_slots or max(2, os.cpu_count() or 2),
    )
    async with children_of_small_tasks(settings.isolation, isolation, scratch, count=limits.concurrency) as small:
        yield Decoder(large=isolation, small=small, limits=limits)


def _webhook_guard(settings: IngestSettings) -> OutboundGuard | None:
    if not settings.can_sign_webhooks:
        return None
    return OutboundGuard("webhook_url", allow_private=settings.allow_private_urls, verb="called")


def quota(settings: IngestSettings) -> Quota:
    """Return the limits of the AI modes from the settings."""
    limits = {"smart": settings.smart_uploads_per_user, "deep": settings.deep_uploads_per_user}
    days = settings.usage_reset_days
    return Quota(
        {mode: limit for mode, limit in limits.items() if limit},
        None if days is None else timedelta(days),
        max_datasets=settings.max_datasets_per_user or None,
        max_stored_bytes=settings.max_stored_bytes_per_user or None,
    )


def _notify_due(stub: "pipeline_pb2_grpc.PipelineServiceAsyncStub", tokens: ServiceTokens | None) -> NotifyDue:
    async def notify(run_id: UUID) -> None:
        request = pipeline_pb2.StartRunRequest(run_id=str(run_id))
        with service_errors(), client_call(method_of(request)):
            metadata = (*request_metadata(), *process_metadata(tokens, "ingest"))
            await stub.StartRun(request, timeout=_NOTIFY_SECONDS, metadata=metadata)

    return notify


def _check_recipe(stub: "pipeline_pb2_grpc.PipelineServiceAsyncStub", tokens: ServiceTokens | None) -> CheckRecipe:
    async def check(content: bytes) -> None:
        request = pipeline_pb2.CheckRecipeRequest(content=content)
        with service_errors(), client_call(method_of(request)):
            metadata = (*request_metadata(), *process_metadata(tokens, "ingest"))
            await stub.CheckRecipe(request, timeout=_INFER_SECONDS, metadata=metadata)

    return check


def _infer_types(stub: "pipeline_pb2_grpc.PipelineServiceAsyncStub", tokens: ServiceTokens | None) -> InferTypes:
    async def infer(table: bytes, types: Mapping[str, str]) -> list[InferredType]:
        request = pipeline_pb2.InferTypesRequest(table=table, types=types)
        with service_errors(), client_call(method_of(request)):
            metadata = (*request_metadata(), *process_metadata(tokens, "ingest"))
            answer = await stub.InferTypes(request, timeout=_INFER_SECONDS, metadata=metadata)
        return [InferredType(name=column.name, type=column.type, why=column.why) for column in answer.columns]

    return infer
