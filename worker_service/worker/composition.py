"""Composition root of the ARQ worker."""

import asyncio
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.db.ai_answers import AiAnswers
from shared.db.datasets import Datasets
from shared.db.hash_keys import HashKeys
from shared.db.runs import Runs
from shared.db.session import Database
from shared.isolation.isolation import Isolation
from shared.isolation.recycled_children import children_of_small_tasks
from shared.logs import get_logger
from shared.queue import DEEP_QUEUE, FAST_QUEUE, build_worker, connect_queue
from shared.scratch import Scratch
from shared.settings.processes import WorkerSettings
from shared.storage import open_store
from worker_service.planner.ai.advisor import Advisor
from worker_service.worker.lease import OUTAGE_SECONDS, Leases, LeaseTerms
from worker_service.worker.preparer import PreparationChild, Preparer
from worker_service.worker.run_executor import STORE_SECONDS, RunExecutor

if TYPE_CHECKING:
    from worker_service.planner.ai.gemini import Gemini

PRELOAD = (
    "worker_service.worker.preparation",
    # What steps import where they need it.
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.neighbors",
    "sklearn.feature_extraction.text",
)
NICENESS = {FAST_QUEUE: 5, DEEP_QUEUE: 10}
"""On a shared machine, services that answer requests come before fast runs, and those before deep ones."""
_JOB_MARGIN_SECONDS = STORE_SECONDS + 2 * OUTAGE_SECONDS + 60.0
"""Added to a run's timeout for the job timeout of ARQ, so that the run's own deadline comes first."""

_log = get_logger(__name__)


async def run_worker(settings: WorkerSettings, isolation: Isolation, *, queue_name: str) -> None:
    """Execute the runs of one queue until stopped."""
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    queue = await connect_queue(settings.redis_url)
    timeouts = {FAST_QUEUE: float(settings.fast_timeout_seconds), DEEP_QUEUE: float(settings.deep_timeout_seconds)}
    try:
        await database.check()
        scratch = Scratch(settings.scratch_dir)
        async with (
            open_store(settings) as store,
            children_of_small_tasks(settings.isolation, isolation, scratch, count=settings.worker_slots) as small,
        ):
            await store.check()
            model = _model(settings, database)
            executor = RunExecutor(
                leases=Leases(
                    runs=Runs(database),
                    queue=queue,
                    terms=LeaseTerms(
                        duration=timedelta(seconds=settings.lease_seconds),
                        heartbeat_seconds=settings.heartbeat_seconds,
                    ),
                ),
                preparer=Preparer(
                    datasets=Datasets(database),
                    hash_keys=HashKeys(database),
                    store=store,
                    scratch=scratch,
                    child=PreparationChild(large=isolation, small=small, memory_bytes=settings.run_memory_bytes),
                    advisor=Advisor(model=model, run_seconds=settings.gemini_run_seconds),
                ),
                store=store,
                timeouts=timeouts,
            )
            worker = build_worker(
                queue=queue_name,
                redis_url=settings.redis_url,
                run=executor.execute,
                slots=settings.worker_slots,
                job_timeout=timeouts[queue_name] + _JOB_MARGIN_SECONDS,
                lease_seconds=settings.lease_seconds,
            )
            worker.metrics_port = settings.metrics_port
            for stop_signal in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(stop_signal, worker.stop)
            try:
                _log.info("serving", queue=queue_name, slots=settings.worker_slots)
                await worker.serve()
                _log.info("stopped", queue=queue_name)
            finally:
                if model is not None:
                    await model.close()
    finally:
        await queue.close()
        await database.close()


def _model(settings: WorkerSettings, database: Database) -> "Gemini | None":
    """Return the language model of smart and deep modes, or None if no key is set."""
    if settings.gemini_api_key is None:
        return None
    # Its library takes a second to load.
    from worker_service.planner.ai.gemini import Gemini

    return Gemini(
        api_key=settings.gemini_api_key.get_secret_value(),
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        call_seconds=settings.gemini_call_seconds,
        cache=AiAnswers(database),
    )
