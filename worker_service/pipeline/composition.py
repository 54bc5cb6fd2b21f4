"""Composition root of PipelineService: the gRPC server and its periodic jobs."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, NoReturn

from shared.db.audit import AuditTrail
from shared.db.datasets import Datasets
from shared.db.events import Events
from shared.db.hash_keys import HashKeys
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.versions import Versions
from shared.db.webhooks import Webhooks
from shared.identity.composition import build_access_control, open_rate_limits
from shared.isolation.isolation import Isolation
from shared.outbound import OutboundGuard
from shared.queue import RunQueue, connect_queue
from shared.rpc.server import Listener, serve
from shared.scratch import Scratch
from shared.settings.processes import PipelineSettings
from shared.settings.types import secret_values
from shared.storage import ObjectStore, open_store
from worker_service.pipeline.event_poller import EventPoller
from worker_service.pipeline.exports import Exports
from worker_service.pipeline.external_scaler.queue_counts import QueueCounts
from worker_service.pipeline.garbage_collector import OrphanCollector
from worker_service.pipeline.metrics import QueueMetrics
from worker_service.pipeline.periodic import run_every
from worker_service.pipeline.recipe_checks import RecipeChecks
from worker_service.pipeline.reconciler import Reconciler
from worker_service.pipeline.retention import Retention, RetentionTimes
from worker_service.pipeline.service import Pipeline
from worker_service.pipeline.servicer import PipelineServicer, service
from worker_service.pipeline.trials import Trials
from worker_service.pipeline.type_inference import TypeInference
from worker_service.pipeline.utility import Utilities
from worker_service.pipeline.webhook_sender import WebhookSender

_EVENT_POLL_SECONDS = 0.3
_WEBHOOK_POLL_SECONDS = 0.5
_METRICS_SECONDS = 5.0


async def run_pipeline(settings: PipelineSettings, isolation: Isolation) -> None:
    """Serve PipelineService and run its periodic jobs until stopped."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    queue = await connect_queue(settings.redis_url)
    try:
        await database.check()
        async with open_store(settings) as store:
            events = Events(database)
            event_poller = EventPoller(events)
            jobs = [
                run_every(event_poller.poll, pause_seconds=_EVENT_POLL_SECONDS),
                *_periodic_jobs(settings, database, queue, store),
            ]
            tasks = [asyncio.create_task(job) for job in jobs]
            try:
                pipeline = Pipeline(runs=Runs(database), events=events, event_poller=event_poller, queue=queue)
                parts: dict[str, Any] = {
                    "datasets": Datasets(database),
                    "hash_keys": HashKeys(database),
                    "store": store,
                    "scratch": Scratch(settings.scratch_dir),
                    "isolation": isolation,
                }
                utilities, trials = Utilities(**parts), Trials(**parts)
                exports = Exports(
                    datasets=Datasets(database), versions=Versions(database), store=store, isolation=isolation
                )
                checks = RecipeChecks(isolation)
                servicer = PipelineServicer(pipeline, TypeInference(isolation), checks, utilities, exports, trials)
                needs = {"database": database.ping, "queue": queue.ping, "store": store.ping}
                listener = Listener(
                    settings.grpc_host, settings.pipeline_port, settings.grpc_reflection, settings.tls_files()
                )
                access = build_access_control(settings, database)
                async with open_rate_limits(settings) as limits:
                    await serve(
                        service(servicer, QueueCounts(Runs(database))),
                        listener,
                        access=access,
                        limits=limits,
                        needs=needs,
                    )
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
    finally:
        await queue.close()
        await database.close()


def _periodic_jobs(
    settings: PipelineSettings, database: Database, queue: RunQueue, store: ObjectStore
) -> list[Coroutine[None, None, NoReturn]]:
    """Return the jobs that run all the time, next to the gRPC server."""
    datasets = Datasets(database)
    reconciler = Reconciler(
        database=database,
        runs=Runs(database),
        datasets=datasets,
        queue=queue,
        failed_kept=timedelta(hours=settings.failed_kept_hours),
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    orphan_collector = OrphanCollector(datasets=datasets, store=store, grace=timedelta(seconds=settings.orphan_seconds))
    retention = Retention(datasets=datasets, trail=AuditTrail(database), store=store, times=_retention_times(settings))
    jobs = [
        run_every(retention.purge, pause_seconds=settings.collect_seconds),
        run_every(reconciler.reconcile, pause_seconds=settings.reconcile_seconds),
        run_every(orphan_collector.collect, pause_seconds=settings.collect_seconds),
    ]
    if settings.metrics_port is not None:
        metrics = QueueMetrics(runs=Runs(database), queue=queue, webhooks=Webhooks(database))
        jobs.append(run_every(metrics.measure, pause_seconds=_METRICS_SECONDS))
    if settings.webhook_secret is not None:
        webhook_sender = WebhookSender(
            webhooks=Webhooks(database),
            guard=OutboundGuard("webhook_url", allow_private=settings.allow_private_urls, verb="called"),
            keys=secret_values(settings.webhook_secret, settings.webhook_secret_fallback),
            public_url=settings.public_url or "",
        )
        jobs.append(run_every(webhook_sender.deliver, pause_seconds=_WEBHOOK_POLL_SECONDS))
    return jobs


def _retention_times(settings: PipelineSettings) -> RetentionTimes:
    def days(number: float | None) -> timedelta | None:
        return None if number is None else timedelta(days=number)

    return RetentionTimes(datasets=days(settings.retention_days), audit_events=days(settings.audit_days))
