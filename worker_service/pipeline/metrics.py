"""Metrics of PipelineService: queues, workers, and what its periodic jobs did."""

from collections import Counter as Counts

from prometheus_client import Counter, Gauge

from shared.db.runs import QueueLoad, Runs
from shared.db.webhooks import Webhooks
from shared.queue import QUEUES, RunQueue

BACKLOG = Gauge("neuralearn_queue_backlog", "Runs that are due and wait for a worker.", ["queue"])
DEFERRED = Gauge("neuralearn_queue_deferred", "Runs whose next attempt is not due yet.", ["queue"])
RUNNING = Gauge("neuralearn_queue_running", "Runs that a worker holds.", ["queue"])
OLDEST_WAIT = Gauge("neuralearn_queue_oldest_wait_seconds", "How long the oldest ready run has waited.", ["queue"])
WORKERS = Gauge("neuralearn_workers", "Workers that gave a sign of life lately.", ["queue"])
WEBHOOK_BACKLOG = Gauge("neuralearn_webhook_backlog", "Webhooks that are due and were not delivered.")
WEBHOOK_DELIVERIES = Counter("neuralearn_webhook_deliveries", "Attempts at webhooks, by how they ended.", ["outcome"])
ENQUEUED = Counter("neuralearn_reconciler_enqueued", "Due runs that Redis did not know and that were enqueued again.")
WORKERS_LOST = Counter("neuralearn_reconciler_failed", "Runs that failed because their last worker died.")
JOB_FAILURES = Counter("neuralearn_job_failures", "Periodic jobs that failed or were postponed.", ["job", "reason"])


class QueueMetrics:
    """Counts queues, workers and webhooks, so that a look at the metrics costs the servers nothing."""

    def __init__(self, *, runs: Runs, queue: RunQueue, webhooks: Webhooks) -> None:
        self._runs = runs
        self._queue = queue
        self._webhooks = webhooks

    async def measure(self) -> None:
        """Count once.

        Raises:
            Unavailable: PostgreSQL or Redis does not answer.
        """
        loads = await self._runs.load()
        for name in QUEUES:
            load = loads.get(name, QueueLoad())
            BACKLOG.labels(name).set(load.ready)
            DEFERRED.labels(name).set(load.deferred)
            RUNNING.labels(name).set(load.running)
            OLDEST_WAIT.labels(name).set(load.oldest_wait.total_seconds())
        WEBHOOK_BACKLOG.set(await self._webhooks.backlog())
        workers = Counts(heartbeat.queue for heartbeat in await self._queue.workers())
        for name in QUEUES:
            WORKERS.labels(name).set(workers[name])
