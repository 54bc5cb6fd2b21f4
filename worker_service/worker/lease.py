"""The lease of one run: only its holder may work on the run, publish it or fail it."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from uuid import UUID, uuid4

from shared.contracts.run_result import RunResult
from shared.contracts.vocabulary import Stage
from shared.db.runs import MAX_ATTEMPTS, RunRecord, Runs
from shared.errors import NotFound, Unavailable
from shared.logs import get_logger
from shared.queue import RunQueue
from shared.retry import retry_while_unavailable
from shared.shielding import await_shielded
from shared.tracing import error_type, record_span
from worker_service.worker.metrics import EXTENSIONS, STAGE_SECONDS

OUTAGE_SECONDS = 300.0
"""The longest time that a worker retries to record the end of a run while PostgreSQL is unavailable."""

_HAND_BACK_SECONDS = 5.0
_PROGRESS_SECONDS = 0.3
_log = get_logger("worker")


@dataclass(frozen=True, kw_only=True)
class LeaseTerms:
    """The duration of a lease, and the interval at which its holder extends it."""

    duration: timedelta
    heartbeat_seconds: float


@dataclass
class Progress:
    """The last progress that the child reported."""

    stage: Stage = "loading"
    percent: int = 0
    stage_since: float = field(default_factory=time.monotonic)
    """When the stage began, in seconds of the monotonic clock."""

    def update(self, stage: Stage, percent: int) -> None:
        """Record the progress that the child reports."""
        if stage != self.stage:
            self.end_stage()
        self.stage, self.percent = stage, percent

    def end_stage(self) -> None:
        """Record how long the stage took."""
        now = time.monotonic()
        STAGE_SECONDS.labels(self.stage).observe(now - self.stage_since)
        record_span(self.stage, seconds=now - self.stage_since)
        self.stage_since = now

    def fail_stage(self, error: BaseException) -> None:
        """Record that an error ended the stage."""
        record_span(self.stage, seconds=time.monotonic() - self.stage_since, error=error_type(error))


@dataclass(frozen=True)
class AttemptFailure:
    """The reason for a failed attempt, and whether to retry."""

    reason: str
    """A stable name in UPPER_SNAKE_CASE."""
    detail: str
    """A sentence for people."""
    retryable: bool = False


@dataclass(frozen=True, kw_only=True)
class Leases:
    """Creates the leases of this worker."""

    runs: Runs
    queue: RunQueue
    terms: LeaseTerms

    def of(self, run_id: UUID) -> "Lease":
        """Return the lease of one run; entering it claims the run."""
        return Lease(run_id, runs=self.runs, queue=self.queue, terms=self.terms)


class Lease:
    """An async context manager that claims a run and, if cancelled inside, hands it back at once.

    Entering returns the claimed run, or None if its lease is not available.
    """

    def __init__(self, run_id: UUID, *, runs: Runs, queue: RunQueue, terms: LeaseTerms) -> None:
        self._run_id = run_id
        self._runs = runs
        self._queue = queue
        self._terms = terms
        self._log = _log.bind(run_id=str(run_id))
        # Chosen before the claim, so that the run can be handed back even if the response to the claim is lost.
        self.token = uuid4()
        """Fences off every other holder of the run's lease."""

    async def __aenter__(self) -> RunRecord | None:
        try:
            return await self._runs.claim(self._run_id, token=self.token, lease=self._terms.duration)
        except (Unavailable, asyncio.CancelledError):
            # The claim may have been committed although its response was lost.
            await await_shielded(self.hand_back())
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            await await_shielded(self.hand_back())

    async def hand_back(self) -> None:
        """Release the run for another worker at once, if this lease holds it; this does not count as an attempt."""
        try:
            handed_back = await retry_while_unavailable(
                lambda: self._runs.hand_back(self._run_id, self.token), seconds=_HAND_BACK_SECONDS
            )
        except Unavailable as error:
            self._log.warning("hand back failed", reason=error.reason)
        else:
            self._log.info("run handed back" if handed_back else "lease not held")

    async def keep(self, progress: Progress) -> None:
        """Extend the lease and publish progress until the lease is lost, then return."""
        published: tuple[Stage, int] | None = None
        next_beat = time.monotonic() + self._terms.heartbeat_seconds
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            try:
                if time.monotonic() >= next_beat:
                    if not await self._extend():
                        return
                    EXTENSIONS.inc()
                    next_beat = time.monotonic() + self._terms.heartbeat_seconds
                latest = (progress.stage, progress.percent)
                if not await self._publish_progress(latest, changed=latest != published):
                    return
                published = latest
            except Exception as error:  # the work may only end if the lease is known to be lost
                self._log.warning("heartbeat missed", error=type(error).__name__)

    async def publish(self, result: RunResult, *, artifacts: str) -> bool:
        """End the run with its result, and return False if the lease is lost.

        Raises:
            Unavailable: PostgreSQL was unavailable for `OUTAGE_SECONDS`.
        """

        async def publish() -> bool:
            if await await_shielded(self._runs.publish(self._run_id, self.token, result, artifacts=artifacts)):
                return True
            return await self.is_published(artifacts)

        return await retry_while_unavailable(publish, seconds=OUTAGE_SECONDS)

    async def is_published(self, artifacts: str) -> bool:
        """Return True if this folder holds the published result; the response to a commit can get lost.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        try:
            return (await self._runs.get(self._run_id)).artifacts == artifacts
        except NotFound:  # the dataset was removed
            return False

    async def fail(self, failure: AttemptFailure, *, attempt: int) -> bool:
        """Queue the run again after a pause, or end it as failed; return False if the lease is lost.

        Raises:
            Unavailable: PostgreSQL was unavailable for `OUTAGE_SECONDS`.
        """
        detail = failure.detail
        if failure.retryable and attempt >= MAX_ATTEMPTS:
            detail = f"{detail} It was tried {attempt} times."

        async def fail() -> bool:
            if failure.retryable and attempt < MAX_ATTEMPTS:
                return await self._runs.retry(
                    self._run_id, self.token, reason=failure.reason, detail=detail, attempt=attempt
                )
            return await self._runs.fail(self._run_id, self.token, reason=failure.reason, detail=detail)

        return await retry_while_unavailable(fail, seconds=OUTAGE_SECONDS)

    async def was_cancelled(self) -> bool:
        """Return True if the lease was lost because the run was cancelled or its dataset removed."""
        try:
            return (await self._runs.get(self._run_id)).state == "cancelled"
        except NotFound:
            return True
        except Unavailable:
            return False

    async def _extend(self) -> bool:
        # Redis comes first: while PostgreSQL is unavailable, other workers then don't try to take the run over.
        try:
            await self._queue.renew(self._run_id, ttl_seconds=self._terms.duration.total_seconds())
        except Unavailable as error:
            self._log.warning("heartbeat missed", error=error.reason)
        return await self._runs.extend(self._run_id, self.token, lease=self._terms.duration)

    async def _publish_progress(self, latest: tuple[Stage, int], *, changed: bool) -> bool:
        if not changed:
            return await self._runs.holds(self._run_id, self.token)
        stage, percent = latest
        return await self._runs.progress(self._run_id, self.token, stage=stage, progress=percent)
