"""Composition of IngestService from its settings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from ingest_service.archive import Archive
from ingest_service.datasets import AcceptedDatasets
from ingest_service.decoder import Decoder, DecoderLimits
from ingest_service.decoding import Limits
from ingest_service.due_notifier import DueNotifier, NotifyDue
from ingest_service.fetch import Fetcher
from ingest_service.intake import Intake, IntakePolicy
from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.isolation import Isolation
from shared.outbound import OutboundGuard
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from shared.rpc.channel import open_channel
from shared.rpc.status import service_errors
from shared.scratch import Scratch
from shared.settings.processes import IngestSettings
from shared.storage import open_store

PRELOAD = ("ingest_service.decoding", "pandas")
"""Modules that the child processes share. Arrow imports pandas, for a second, when it first fills a numpy array."""
_NOTIFY_SECONDS = 2.0


@asynccontextmanager
async def build(settings: IngestSettings, isolation: Isolation) -> AsyncIterator[tuple[Intake, AcceptedDatasets]]:
    """Build the use cases with everything they depend on, and close all of it at the end."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    channel = open_channel(settings.target("pipeline"))
    try:
        await database.check()
        async with open_store(settings) as store:
            await store.check()
            datasets, usage = Datasets(database), Usage(database, quota(settings))
            notifier = DueNotifier(_notify_due(pipeline_pb2_grpc.PipelineServiceStub(channel)))
            scratch = Scratch(settings.scratch_dir)
            intake = Intake(
                archive=Archive(datasets=datasets, store=store, usage=usage),
                decoder=Decoder(isolation=isolation, limits=_decoder_limits(settings)),
                fetcher=Fetcher(allow_private=settings.allow_private_urls, max_bytes=settings.max_upload_bytes),
                scratch=scratch,
                notifier=notifier,
                policy=IntakePolicy(max_bytes=settings.max_upload_bytes, webhooks=_webhook_guard(settings)),
            )
            accepted = AcceptedDatasets(
                datasets=datasets,
                runs=Runs(database),
                store=store,
                usage=usage,
                scratch=scratch,
                notifier=notifier,
            )
            yield intake, accepted
    finally:
        await channel.close()
        await database.close()


def _decoder_limits(settings: IngestSettings) -> DecoderLimits:
    return DecoderLimits(
        table=Limits(max_rows=settings.max_rows, max_columns=settings.max_columns),
        memory_bytes=settings.run_memory_bytes,
        concurrency=max(2, os.cpu_count() or 2),
    )


def _webhook_guard(settings: IngestSettings) -> OutboundGuard | None:
    if not settings.can_sign_webhooks:
        return None
    return OutboundGuard("webhook_url", allow_private=settings.allow_private_urls, verb="called")


def quota(settings: IngestSettings) -> Quota:
    """Return the limits of the AI modes from the settings."""
    limits = {"smart": settings.smart_uploads_per_user, "deep": settings.deep_uploads_per_user}
    days = settings.usage_reset_days
    return Quota({mode: limit for mode, limit in limits.items() if limit}, None if days is None else timedelta(days))


def _notify_due(stub: "pipeline_pb2_grpc.PipelineServiceAsyncStub") -> NotifyDue:
    async def notify(run_id: UUID) -> None:
        with service_errors():
            await stub.StartRun(pipeline_pb2.StartRunRequest(run_id=str(run_id)), timeout=_NOTIFY_SECONDS)

    return notify
