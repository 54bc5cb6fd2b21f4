"""Building the two processes of this service: the PipelineService and the ARQ worker."""

import asyncio
import signal
from collections.abc import Coroutine
from datetime import timedelta
from typing import NoReturn

from shared.db.ai_answers import AiAnswers
from shared.db.datasets import Datasets
from shared.db.events import Events
from shared.db.runs import Runs
from shared.db.session import Database
from shared.db.webhooks import Webhooks
from shared.isolation import Isolation
from shared.outside import Outside
from shared.queue import DEEP_QUEUE, FAST_QUEUE, RunQueue, build_worker, connect_queue
from shared.rpc.server import serve
from shared.scratch import Scratch
from shared.settings import Settings
from shared.storage import ObjectStore, open_store
from shared.telemetry import serve_metrics
from worker_service.collector import Collector
from worker_service.execution import RunExecutor, Terms
from worker_service.messenger import Messenger
from worker_service.periodic import again_and_again
from worker_service.planner.advisor import Advisor
from worker_service.planner.gemini import Gemini
from worker_service.reconciler import Reconciler
from worker_service.service import Pipeline
from worker_service.servicer import service

PRELOAD = ("worker_service.preparation",)
_MESSENGER_SECONDS = 0.5
_SPARE_SECONDS = 120.0
"""What ARQ allows a job beyond the run's own deadline, which is the one that counts."""


async def run_pipeline(settings: Settings, isolation: Isolation) -> None:
    """Serve PipelineService and reconcile until stopped."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    queue = await connect_queue(settings.redis_url)
    try:
        await database.check()
        async with open_store(settings) as store:
            upkeep = [asyncio.create_task(one) for one in _upkeep(settings, database, queue, store)]
            try:
                pipeline = Pipeline(runs=Runs(database), events=Events(database), queue=queue)
                await serve(service(pipeline), host=settings.grpc_host, port=settings.pipeline_port)
            finally:
                for task in upkeep:
                    task.cancel()
                await asyncio.wait(upkeep)
    finally:
        await queue.close()
        await database.close()


def _upkeep(
    settings: Settings, database: Database, queue: RunQueue, store: ObjectStore
) -> list[Coroutine[None, None, NoReturn]]:
    """What PipelineService does all the time beside serving."""
    datasets = Datasets(database)
    reconciler = Reconciler(
        database=database,
        runs=Runs(database),
        datasets=datasets,
        queue=queue,
        failed_kept=timedelta(hours=settings.failed_kept_hours),
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    collector = Collector(datasets=datasets, store=store, grace=timedelta(seconds=settings.orphan_seconds))
    upkeep = [
        again_and_again(reconciler.reconcile, pause_seconds=settings.reconcile_seconds),
        again_and_again(collector.collect, pause_seconds=settings.collect_seconds),
    ]
    if settings.webhook_secret is not None:
        messenger = Messenger(
            webhooks=Webhooks(database),
            outside=Outside("webhook_url", allow_private=settings.allow_private_urls, verb="told"),
            secret=settings.webhook_secret.get_secret_value(),
        )
        upkeep.append(again_and_again(messenger.deliver, pause_seconds=_MESSENGER_SECONDS))
    return upkeep


async def run_worker(settings: Settings, isolation: Isolation, *, queue_name: str) -> None:
    """Execute the runs of one queue until stopped."""
    if settings.metrics_port is not None:
        serve_metrics(settings.grpc_host, settings.metrics_port + (queue_name == DEEP_QUEUE))
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    queue = await connect_queue(settings.redis_url)
    timeout = {FAST_QUEUE: float(settings.fast_timeout_seconds), DEEP_QUEUE: float(settings.deep_timeout_seconds)}
    try:
        await database.check()
        async with open_store(settings) as store:
            await store.check()
            model = _model(settings, database)
            executor = RunExecutor(
                runs=Runs(database),
                datasets=Datasets(database),
                store=store,
                queue=queue,
                isolation=isolation,
                scratch=Scratch(settings.scratch_dir),
                terms=Terms(
                    timeout=timeout,
                    memory_bytes=settings.run_memory_bytes,
                    lease=timedelta(seconds=settings.lease_seconds),
                    heartbeat_seconds=settings.heartbeat_seconds,
                ),
                advisor=Advisor(model=model, run_seconds=settings.gemini_run_seconds),
            )
            worker = build_worker(
                queue=queue_name,
                redis_url=settings.redis_url,
                run=executor.execute,
                slots=settings.worker_slots,
                job_timeout=timeout[queue_name] + _SPARE_SECONDS,
                lease_seconds=settings.lease_seconds,
            )
            for name in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(name, worker.stop)
            try:
                await worker.serve()
            finally:
                if model is not None:
                    await model.close()
    finally:
        await queue.close()
        await database.close()


def _model(settings: Settings, database: Database) -> Gemini | None:
    """The language model of smart and deep modes; None without a key."""
    if settings.gemini_api_key is None:
        return None
    return Gemini(
        api_key=settings.gemini_api_key.get_secret_value(),
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        call_seconds=settings.gemini_call_seconds,
        cache=AiAnswers(database),
    )
