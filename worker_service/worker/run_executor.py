"""Executing one run: claim its lease, prepare in a child, publish once. Whatever happens, its row tells the truth."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from shared.db.datasets import Datasets
from shared.db.runs import MAX_ATTEMPTS, Publication, RunRecord, Runs
from shared.errors import NotFound, ServiceError, Unavailable
from shared.failpoints import failpoint
from shared.isolation import ChildDied, DeadlineExceeded, Isolation, OutOfMemory, TaskFailed
from shared.logs import get_logger
from shared.queue import RunQueue
from shared.retry import wait_out
from shared.scratch import Scratch
from shared.shielding import see_through
from shared.storage import ObjectStore
from worker_service.planner.ai.advisor import Advisor
from worker_service.planner.ai.prompt import Question
from worker_service.worker.metrics import RUN_SECONDS, RUNS
from worker_service.worker.preparation import ARTIFACTS, Prepared, examine, prepare

T = TypeVar("T")
Program = Callable[[Callable[[str, int], None], Path, Path, dict[str, Any]], Prepared]

OUTAGE_SECONDS = 300.0
"""How long a worker that has ended its work waits for PostgreSQL to hear of it."""

STORE_SECONDS = 120.0
"""How long storing what a run made may take, beyond the run's own deadline."""

_HAND_BACK_SECONDS = 5.0
_PROGRESS_SECONDS = 0.3
_PUBLISHING = "publishing"
_log = get_logger("worker")


class LeaseLost(Exception):
    """The run was called off, or somebody else has it now; nothing this worker did may show."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a run may cost, and how its worker shows it is alive."""

    timeout: dict[str, float]
    """Seconds by queue."""
    memory_bytes: int
    lease: timedelta
    heartbeat_seconds: float


@dataclass
class _Progress:
    """The last thing the child told."""

    stage: str = "loading"
    percent: int = 0

    def tell(self, stage: str, percent: int) -> None:
        self.stage, self.percent = stage, percent


class RunExecutor:
    """Executes runs that ARQ delivers; delivery may be doubled or late without harm."""

    def __init__(
        self,
        *,
        runs: Runs,
        datasets: Datasets,
        store: ObjectStore,
        queue: RunQueue,
        isolation: Isolation,
        scratch: Scratch,
        terms: Terms,
        advisor: Advisor | None = None,
        program: Program = prepare,
    ) -> None:
        """`program` is what the child runs: `program(tell, table, target, options)`; `advisor` is asked in AI modes."""
        self._runs = runs
        self._datasets = datasets
        self._store = store
        self._queue = queue
        self._isolation = isolation
        self._scratch = scratch
        self._terms = terms
        self._advisor = advisor or Advisor(model=None, run_seconds=0)
        self._program = program

    async def execute(self, run_id: UUID) -> bool:
        """Bring the run as far as it will come; returns at once where its lease is not to be had.

        True where it should be delivered once more: called off while it ran, it may have been queued again since, and
        its job was known all the time.
        """
        token = uuid4()
        try:
            run = await self._claim(run_id, token)
            held_to_the_end = run is None or await self._hold(run, token)
        except Unavailable as error:
            # Nobody can be told now; the lease runs out, and the reconciler delivers the run again.
            _log.warning("run left to its lease", run_id=str(run_id), reason=error.reason)
            return False
        return not held_to_the_end

    async def _claim(self, run_id: UUID, token: UUID) -> RunRecord | None:
        try:
            return await self._runs.claim(run_id, token=token, lease=self._terms.lease)
        except (Unavailable, asyncio.CancelledError):
            # The answer may have been lost after the commit.
            await see_through(self._hand_back(run_id, token))
            raise

    async def _hand_back(self, run_id: UUID, token: UUID) -> None:
        """Let another worker have the run at once, if it is ours."""
        log = _log.bind(run_id=str(run_id))
        try:
            handed_back = await wait_out(lambda: self._runs.hand_back(run_id, token), seconds=_HAND_BACK_SECONDS)
        except Unavailable as error:
            log.warning("run left to its lease", reason=error.reason)
        else:
            log.info("run handed back" if handed_back else "run was not ours to hand back")

    async def _hold(self, run: RunRecord, token: UUID) -> bool:
        """Prepare a claimed run, and tell PostgreSQL how it went; False where its lease was lost."""
        started = time.perf_counter()
        log = _log.bind(run_id=str(run.id), attempt=run.attempt)
        log.info("run started", queue=run.queue, workers_fallen_silent=run.crashes)
        try:
            await self._attempt(run, token)
            seconds = time.perf_counter() - started
            log.info("run completed", seconds=round(seconds, 3))
            RUNS.labels(run.queue, "completed").inc()
            RUN_SECONDS.labels(run.queue).observe(seconds)
        except LeaseLost:
            await self._tell_loss(run)
            return False
        except asyncio.CancelledError:
            await see_through(self._hand_back(run.id, token))
            RUNS.labels(run.queue, "handed_back").inc()
            raise
        except Exception as error:
            verdict = self._judge(run, error)
            frames = error.frames if isinstance(error, TaskFailed) else None
            log.warning("attempt failed", reason=verdict.reason, retried=verdict.retried, frames=frames)
            RUNS.labels(run.queue, "retried" if verdict.retried else "failed").inc()
            return await self._settle(run, token, verdict)
        return True

    async def _tell_loss(self, run: RunRecord) -> None:
        """Say why the run is ours no more: its owner called it off or removed it, or somebody else has it."""
        try:
            called_off = (await self._runs.get(run.id)).state == "cancelled"
        except NotFound:
            called_off = True
        except Unavailable:
            called_off = False
        if called_off:
            _log.info("run called off", run_id=str(run.id))
        else:
            _log.warning("run lost to another worker", run_id=str(run.id))
        RUNS.labels(run.queue, "cancelled" if called_off else "lost").inc()

    async def _attempt(self, run: RunRecord, token: UUID) -> None:
        progress = _Progress()
        work = asyncio.create_task(self._work(run, token, progress))
        company = asyncio.create_task(self._accompany(run, token, progress))
        try:
            await asyncio.wait([work, company], return_when=asyncio.FIRST_COMPLETED)
            # Once publishing has begun the run's row may be out of our hands because it is completed.
            if not work.done() and progress.stage != _PUBLISHING:
                raise LeaseLost
            await work
        finally:
            for task in (work, company):
                task.cancel()
            await asyncio.gather(work, company, return_exceptions=True)

    async def _accompany(self, run: RunRecord, token: UUID, progress: _Progress) -> None:
        """Show progress and signs of life; ends when the lease is lost."""
        shown: tuple[str, int] | None = None
        next_sign = time.monotonic() + self._terms.heartbeat_seconds
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            try:
                if time.monotonic() >= next_sign:
                    # Redis first: while PostgreSQL is away, no other worker need try to take the run over.
                    await self._renew(run.id)
                    if not await self._runs.extend(run.id, token, lease=self._terms.lease):
                        return
                    next_sign = time.monotonic() + self._terms.heartbeat_seconds
                latest = (progress.stage, progress.percent)
                if latest == shown:
                    if not await self._runs.holds(run.id, token):
                        return
                else:
                    if not await self._runs.progress(run.id, token, stage=latest[0], percent=latest[1]):
                        return
                    shown = latest
            except Exception as error:  # only a lease that is known to be lost may end the work
                _log.warning("heartbeat missed", run_id=str(run.id), error=type(error).__name__)

    async def _renew(self, run_id: UUID) -> None:
        try:
            await self._queue.renew(run_id, ttl_seconds=self._terms.lease.total_seconds())
        except Unavailable as error:
            _log.warning("heartbeat missed", run_id=str(run_id), error=error.reason)

    async def _work(self, run: RunRecord, token: UUID, progress: _Progress) -> None:
        await failpoint("claimed")
        dataset = await self._datasets.get(run.dataset_id)
        prefix = f"datasets/{run.dataset_id}/runs/{run.id}/{token}"
        ends = time.monotonic() + self._terms.timeout[run.queue]
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(self._scratch.folder())
            async with _store_answers_by(ends):
                copy = self._store.local_copy(dataset.table_key, scratch=place)
                table = await stack.enter_async_context(copy)
            target = place / "artifacts"
            target.mkdir()
            await failpoint("copied")
            options = run.options if run.mode == "fast" else await self._consult(run, table, place, progress, ends=ends)
            prepared = await self._child(self._program, table, target, options, progress, ends=ends)
            await failpoint("prepared")
            try:
                progress.tell(_PUBLISHING, 95)
                async with _store_answers_by(ends + STORE_SECONDS):
                    # One after the other: when one fails, none may still be on its way while the others are removed.
                    for name in ARTIFACTS:
                        await self._store.put_file(f"{prefix}/{name}", target / name, move=True)
                        await failpoint("storing")
                await failpoint("publishing")
                if not await self._publish(run, token, _publication(prefix, prepared)):
                    raise LeaseLost
                await failpoint("published")
            except BaseException:
                await see_through(self._discard(run.id, prefix))
                raise

    async def _publish(self, run: RunRecord, token: UUID, publication: Publication) -> bool:
        """Publish what is stored, and wait out an outage of PostgreSQL for it; False when the lease is lost."""

        async def publish() -> bool:
            if await see_through(self._runs.publish(run.id, token, publication)):
                return True
            return await self._is_published(run.id, publication.artifacts)

        return await wait_out(publish, seconds=OUTAGE_SECONDS)

    async def _consult(
        self, run: RunRecord, table: Path, place: Path, progress: _Progress, *, ends: float
    ) -> dict[str, Any]:
        """The run's options with a language model's advice, asked from here: the child has no key and no network."""
        mode: Literal["smart", "deep"] = "deep" if run.mode == "deep" else "smart"
        options = {**run.options, "facts": str(place / "facts.json")}
        found: list[dict[str, Any]] = []
        if self._advisor.model is not None:
            found = await self._child(examine, table, place, options, progress, ends=ends)
            progress.tell("consulting", 40)
        advised = await self._advisor.advise(mode, [Question.model_validate(question) for question in found])
        return {**options, "advised": advised.model_dump(mode="json")}

    async def _child(
        self,
        program: Callable[..., T],
        table: Path,
        target: Path,
        options: dict[str, Any],
        progress: _Progress,
        *,
        ends: float,
    ) -> T:
        return await self._isolation.run(
            program,
            table,
            target,
            options,
            deadline=max(1.0, ends - time.monotonic()),
            memory_bytes=self._terms.memory_bytes,
            on_progress=progress.tell,
        )

    async def _discard(self, run_id: UUID, prefix: str) -> None:
        """Remove what was stored, unless it was published after all."""
        try:
            published = await self._is_published(run_id, prefix)
        except Unavailable:
            _log.warning("staged objects kept, as their run can't be looked at", run_id=str(run_id))
            return
        if not published:
            await self._store.delete_prefix(prefix)

    async def _is_published(self, run_id: UUID, prefix: str) -> bool:
        """Whether the run's result is this one: the answer to a commit can be lost on its way."""
        try:
            return (await self._runs.get(run_id)).artifacts == prefix
        except NotFound:  # its dataset was removed
            return False

    async def _settle(self, run: RunRecord, token: UUID, verdict: "_Verdict") -> bool:
        """Tell PostgreSQL how an attempt failed; False where the run is somebody else's by now."""

        async def settle() -> bool:
            detail = verdict.detail
            if verdict.retried and run.attempt < MAX_ATTEMPTS:
                return await self._runs.retry(run.id, token, reason=verdict.reason, detail=detail, attempt=run.attempt)
            if verdict.retried:
                detail = f"{detail} It was tried {run.attempt} times."
            return await self._runs.fail(run.id, token, reason=verdict.reason, detail=detail)

        return await wait_out(settle, seconds=OUTAGE_SECONDS)

    def _judge(self, run: RunRecord, error: Exception) -> "_Verdict":
        """What an attempt died of, and whether another one may fare better."""
        gigabytes = self._terms.memory_bytes / 1024**3
        too_little = f"Preparation needed more than the {gigabytes:g} GiB of memory allowed."
        match error:
            case Unavailable():
                return _Verdict(error.reason, error.detail, retried=True)
            case ServiceError():
                return _Verdict(error.reason, error.detail)
            case DeadlineExceeded():
                minutes = self._terms.timeout[run.queue] / 60
                return _Verdict(
                    "TIMED_OUT", f"Preparation took longer than the {minutes:.3g} minutes allowed and was stopped."
                )
            case OutOfMemory():
                return _Verdict("OUT_OF_MEMORY", too_little)
            case ChildDied() if error.signal is signal.SIGABRT:
                # Arrow's native code aborts where an allocation fails.
                return _Verdict("OUT_OF_MEMORY", too_little)
            case ChildDied():
                return _Verdict("PROCESS_DIED", f"The process preparing this dataset died ({error}).", retried=True)
        return _Verdict("INTERNAL", f"Preparation failed through a defect of ours; please report run {run.id}.")


@dataclass(frozen=True)
class _Verdict:
    """How an attempt failed."""

    reason: str
    detail: str
    retried: bool = False


@asynccontextmanager
async def _store_answers_by(ends: float) -> AsyncIterator[None]:
    """A deadline for the object store, which may answer a little at a time for ever.

    Raises:
        Unavailable: it has passed.
    """
    try:
        async with asyncio.timeout(max(1.0, ends - time.monotonic())):
            yield
    except TimeoutError as error:
        raise Unavailable("The object store is too slow.", reason="STORAGE_UNAVAILABLE") from error


def _publication(prefix: str, prepared: Prepared) -> Publication:
    return Publication(artifacts=prefix, **vars(prepared))
