"""The queues of due runs, over ARQ and Redis, and the workers that take runs from them.

What a run is, and who holds it, is decided by PostgreSQL: see `shared.db.runs`.
"""

from shared.queue.doorbell_worker import DoorbellWorker, build_worker
from shared.queue.heartbeats import WorkerHeartbeat
from shared.queue.run_queue import DEEP_QUEUE, FAST_QUEUE, QUEUES, RedisInfo, RunQueue, connect_queue, queue_of

__all__ = [
    "DEEP_QUEUE",
    "FAST_QUEUE",
    "QUEUES",
    "DoorbellWorker",
    "RedisInfo",
    "RunQueue",
    "WorkerHeartbeat",
    "build_worker",
    "connect_queue",
    "queue_of",
]
