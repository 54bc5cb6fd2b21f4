"""Building IngestService from its settings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from ingest_service.decoding import Limits
from ingest_service.fetch import Fetcher
from ingest_service.service import Ingest, Ring
from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.usage import Quota, Usage
from shared.isolation import Isolation
from shared.outbound import Outside
from shared.pb.neuralearn.pipeline.v1 import pipeline_pb2, pipeline_pb2_grpc
from shared.rpc.channel import open_channel
from shared.rpc.status import service_errors
from shared.scratch import Scratch
from shared.settings.settings import Settings
from shared.storage import open_store

PRELOAD = ("ingest_service.decoding",)
_RING_SECONDS = 2.0


@asynccontextmanager
async def build(settings: Settings, isolation: Isolation) -> AsyncIterator[Ingest]:
    """The use case with everything it depends on; closes all of it."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    channel = open_channel(settings.target("pipeline"))
    try:
        await database.check()
        async with open_store(settings) as store:
            await store.check()
            yield Ingest(
                datasets=Datasets(database),
                runs=Runs(database),
                store=store,
                isolation=isolation,
                fetcher=Fetcher(allow_private=settings.allow_private_urls, max_bytes=settings.max_upload_bytes),
                ring=_ring(pipeline_pb2_grpc.PipelineServiceStub(channel)),
                limits=Limits(max_rows=settings.max_rows, max_columns=settings.max_columns),
                max_bytes=settings.max_upload_bytes,
                memory_bytes=settings.run_memory_bytes,
                scratch=Scratch(settings.scratch_dir),
                usage=Usage(database, quota(settings)),
                decoders=max(2, os.cpu_count() or 2),
                webhooks=_webhooks(settings),
            )
    finally:
        await channel.close()
        await database.close()


def _webhooks(settings: Settings) -> Outside | None:
    if settings.webhook_secret is None:
        return None
    return Outside("webhook_url", allow_private=settings.allow_private_urls, verb="told")


def quota(settings: Settings) -> Quota:
    """The limits of AI modes as they are set."""
    limits = {"smart": settings.smart_uploads_per_user, "deep": settings.deep_uploads_per_user}
    days = settings.usage_reset_days
    return Quota({mode: limit for mode, limit in limits.items() if limit}, None if days is None else timedelta(days))


def _ring(stub: "pipeline_pb2_grpc.PipelineServiceAsyncStub") -> Ring:
    async def ring(run_id: UUID) -> None:
        with service_errors():
            await stub.StartRun(pipeline_pb2.StartRunRequest(run_id=str(run_id)), timeout=_RING_SECONDS)

    return ring
