"""Execution of one run: claim its lease, prepare its table, publish the result exactly once."""

import asyncio
import signal
import time
from uuid import UUID

from opentelemetry.trace import SpanKind, get_current_span
from structlog.contextvars import bound_contextvars

from shared.contracts.artifacts import ARTIFACTS, REPLAY_ARTIFACTS, DatasetKeys
from shared.db.runs import RunRecord
from shared.errors import ServiceError, Unavailable
from shared.failpoints import failpoint
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, OutOfMemory, TaskFailed
from shared.logs import get_logger
from shared.metrics import ERRORS
from shared.shielding import await_shielded
from shared.storage import ObjectStore
from shared.tracing import AttributeValue, mark_failed, record_span, span
from worker_service.worker.lease import AttemptFailure, Lease, Leases, Progress
from worker_service.worker.metrics import ATTEMPTS, RESCUES, RUN_SECONDS, RUNS
from worker_service.worker.preparer import PreparedTable, Preparer, store_deadline

STORE_SECONDS = 120.0
"""The time for storing the artifacts, beyond the run's own deadline."""

_log = get_logger("worker")
_MEMORY_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL)


class LeaseLost(Exception):
    """The run was cancelled or taken over; nothing that this worker did may become visible."""


class RunExecutor:
    """Executes the runs that ARQ delivers; duplicate and late deliveries do no harm."""

    def __init__(self, *, leases: Leases, preparer: Preparer, store: ObjectStore, timeouts: dict[str, float]) -> None:
        """Create an executor; `timeouts` maps each queue to the seconds that a run may take."""
        self._leases = leases
        self._preparer = preparer
        self._store = store
        self._timeouts = timeouts

    async def execute(self, run_id: UUID) -> bool:
        """Execute a run, or return at once if its lease is not available.

        Return True if the run should be delivered once more: it was cancelled while it ran and may have been queued
        again since, but could not be enqueued while its job existed.
        """
        lease = self._leases.of(run_id)
        try:
            async with lease as run:
                return run is not None and not await self._trace(run, lease)
        except Unavailable as error:
            # The end of the run can't be recorded now. The lease expires, and the reconciler enqueues the run again.
            _log.warning("run end not recorded", run_id=str(run_id), reason=error.reason)
            return False

    async def _trace(self, run: RunRecord, lease: Lease) -> bool:
        """Run a claimed run as a part of the trace of the request that queued it."""
        waited = (run.updated_at - run.due_at).total_seconds()
        record_span(f"wait in {run.queue}", seconds=waited, parent=run.traceparent)
        attributes: dict[str, AttributeValue] = {
            "neuralearn.run_id": str(run.id),
            "neuralearn.mode": run.mode,
            "neuralearn.attempt": run.attempt,
        }
        with (
            bound_contextvars(run_id=str(run.id), attempt=run.attempt),
            span(f"run in {run.queue}", kind=SpanKind.CONSUMER, parent=run.traceparent, attributes=attributes),
        ):
            return await self._run_claimed(run, lease)

    async def _run_claimed(self, run: RunRecord, lease: Lease) -> bool:
        """Prepare a claimed run and record how it ended; return False if its lease was lost."""
        started = time.perf_counter()
        _log.info("run started", queue=run.queue, dead_workers=run.crashes)
        ATTEMPTS.labels(run.queue).inc()
        RESCUES.labels(run.queue).inc(1 if run.crashes else 0)
        try:
            await self._attempt(run, lease)
        except LeaseLost:
            await self._log_lost_lease(run, lease)
            return False
        except asyncio.CancelledError:
            _count(run, "handed_back")
            raise
        except Exception as error:
            if await lease.was_cancelled():
                # What was removed under the feet of an attempt makes it fail in any way.
                await self._log_lost_lease(run, lease)
                return False
            failure = self._classify(run, error)
            frames = error.frames if isinstance(error, TaskFailed) else None
            _log.warning("attempt failed", reason=failure.reason, retryable=failure.retryable, frames=frames)
            ERRORS.labels(failure.reason).inc()
            _count(run, "retried" if failure.retryable else "failed", failure.reason)
            return await lease.fail(failure, attempt=run.attempt)
        seconds = time.perf_counter() - started
        _log.info("run completed", seconds=round(seconds, 3))
        _count(run, "completed")
        RUN_SECONDS.labels(run.queue).observe(seconds)
        return True

    async def _log_lost_lease(self, run: RunRecord, lease: Lease) -> None:
        """Log whether the run was cancelled or taken over by another worker."""
        cancelled = await lease.was_cancelled()
        if cancelled:
            _log.info("run cancelled")
        else:
            _log.warning("run lost to another worker")
        _count(run, "cancelled" if cancelled else "lost")

    async def _attempt(self, run: RunRecord, lease: Lease) -> None:
        progress = Progress()
        work = asyncio.create_task(self._work(run, lease, progress))
        heartbeat = asyncio.create_task(lease.keep(progress))
        try:
            await asyncio.wait([work, heartbeat], return_when=asyncio.FIRST_COMPLETED)
            # Once publishing has begun, the lease may be gone because the run is completed.
            if not work.done() and progress.stage != "publishing":
                raise LeaseLost
            await work
        finally:
            for task in (work, heartbeat):
                task.cancel()
            await asyncio.gather(work, heartbeat, return_exceptions=True)

    async def _work(self, run: RunRecord, lease: Lease, progress: Progress) -> None:
        await failpoint("claimed")
        deadline_at = time.monotonic() + self._timeouts[run.queue]
        try:
            async with self._preparer.prepare(run, progress, deadline_at=deadline_at) as prepared:
                progress.update("publishing", 95)
                await self._publish(run, lease, prepared, deadline_at=deadline_at + STORE_SECONDS)
                progress.end_stage()
        except BaseException as error:
            progress.fail_stage(error)
            raise

    async def _publish(self, run: RunRecord, lease: Lease, prepared: PreparedTable, *, deadline_at: float) -> None:
        """Store the artifacts and publish the result, or remove what was stored.

        Raises:
            LeaseLost: the run was cancelled or taken over.
        """
        artifacts = DatasetKeys(run.dataset_id).attempt(run.id, lease.token)
        try:
            async with store_deadline(deadline_at):
                # Not concurrently: if one upload fails, no other may still be running while all are removed.
                of_replay = [name for name in REPLAY_ARTIFACTS if (prepared.folder / name).exists()]
                for name in (*ARTIFACTS, *of_replay):
                    await self._store.put_file(f"{artifacts}/{name}", prepared.folder / name, move=True)
                    await failpoint("storing")
            await failpoint("publishing")
            if not await lease.publish(prepared.result, artifacts=artifacts):
                raise LeaseLost
            await failpoint("published")
        except BaseException:
            await await_shielded(self._discard(lease, artifacts))
            raise

    async def _discard(self, lease: Lease, artifacts: str) -> None:
        """Remove the stored artifacts, unless they were published after all."""
        try:
            published = await lease.is_published(artifacts)
        except Unavailable:
            _log.warning("artifacts not removed", artifacts=artifacts)
            return
        if not published:
            await self._store.delete_prefix(artifacts)

    def _classify(self, run: RunRecord, error: Exception) -> AttemptFailure:
        """Return the failure that an error stands for, and whether a retry may help."""
        match error:
            case Unavailable():
                return AttemptFailure(error.reason, error.detail, retryable=True)
            case ServiceError():
                return AttemptFailure(error.reason, error.detail)
            case DeadlineExceeded():
                minutes = self._timeouts[run.queue] / 60
                detail = f"Preparation took longer than the {minutes:.3g} minutes allowed and was stopped."
                return AttemptFailure("TIMED_OUT", detail)
            case OutOfMemory():
                return _out_of_memory(self._preparer.memory_bytes)
            case ChildDied() if error.signal is signal.SIGABRT:
                # Arrow's native code aborts if an allocation fails.
                return _out_of_memory(self._preparer.memory_bytes)
            case ChildDied():
                detail = f"The process preparing this dataset died ({error})."
                # A memory fault comes from the data, and would come again.
                return AttemptFailure("PROCESS_DIED", detail, retryable=error.signal not in _MEMORY_FAULTS)
        return AttemptFailure("INTERNAL", f"Preparation failed through a defect of ours; please report run {run.id}.")


def _count(run: RunRecord, outcome: str, reason: str = "") -> None:
    """Count an attempt by its outcome, here and in its trace."""
    RUNS.labels(run.queue, outcome).inc()
    current = get_current_span()
    current.set_attribute("neuralearn.outcome", outcome)
    if reason:
        mark_failed(current, reason)


def _out_of_memory(memory_bytes: int) -> AttemptFailure:
    gigabytes = memory_bytes / 1024**3
    detail = f"Preparation needed more than the {gigabytes:g} GiB of memory allowed."
    return AttemptFailure("OUT_OF_MEMORY", detail)
