"""Preparing one run's table: fetch it, ask a language model where the mode says so, and let a child do the work."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from shared.contracts.run_result import RunResult
from shared.contracts.vocabulary import AiMode
from shared.db.datasets import Datasets
from shared.db.runs import RunRecord
from shared.errors import Unavailable
from shared.failpoints import failpoint
from shared.isolation import Isolation
from shared.scratch import Scratch
from shared.storage import ObjectStore
from worker_service.planner.ai.advisor import AdviceResult, Advisor
from worker_service.planner.ai.prompt import Question
from worker_service.worker.lease import Progress
from worker_service.worker.preparation import PreparationTask, ReportProgress, examine, prepare

T = TypeVar("T")
Program = Callable[[ReportProgress, PreparationTask], RunResult]


@dataclass(frozen=True, kw_only=True)
class PreparationChild:
    """Runs the programs of a preparation in child processes."""

    isolation: Isolation
    memory_bytes: int
    program: Program = prepare
    """What prepares the table."""

    async def prepare(self, task: PreparationTask, progress: Progress, *, ends: float) -> RunResult:
        """Prepare the table until `ends`, a moment of the monotonic clock; raises what `Isolation.run` raises."""
        return await self._run(self.program, task, progress, ends=ends)

    async def examine(self, task: PreparationTask, progress: Progress, *, ends: float) -> tuple[Question, ...]:
        """Profile the table, and return what a language model is to be asked about it."""
        return await self._run(examine, task, progress, ends=ends)

    async def _run(self, program: Callable[..., T], task: Any, progress: Progress, *, ends: float) -> T:
        return await self.isolation.run(
            program,
            task,
            deadline=max(1.0, ends - time.monotonic()),
            memory_bytes=self.memory_bytes,
            on_progress=progress.update,
        )


@dataclass(frozen=True)
class PreparedTable:
    """The artifacts of a preparation in a local folder, and what it hands over beside them."""

    folder: Path
    result: RunResult


class Preparer:
    """Turns a claimed run into artifacts; nothing of it is stored or published here."""

    def __init__(
        self, *, datasets: Datasets, store: ObjectStore, scratch: Scratch, child: PreparationChild, advisor: Advisor
    ) -> None:
        """`advisor` is asked in AI modes."""
        self._datasets = datasets
        self._store = store
        self._scratch = scratch
        self._child = child
        self._advisor = advisor
        self.memory_bytes = child.memory_bytes

    @asynccontextmanager
    async def prepare(self, run: RunRecord, progress: Progress, *, ends: float) -> AsyncIterator[PreparedTable]:
        """Prepare a run's table until `ends`, a moment of the monotonic clock; the files go with the block.

        Raises:
            ServiceError: the table can't be prepared, or (Unavailable) not now.
            IsolationError: what became of the child.
        """
        dataset = await self._datasets.get(run.dataset_id)
        async with AsyncExitStack() as stack:
            scratch = await stack.enter_async_context(self._scratch.folder())
            async with store_deadline(ends):
                table = await stack.enter_async_context(self._store.local_copy(dataset.table_key, scratch=scratch))
            target = scratch / "artifacts"
            target.mkdir()
            await failpoint("copied")
            task = PreparationTask(
                table=table, target=target, options=run.options, profile=scratch / "examined-profile.json"
            )
            if run.mode != "fast":
                task = replace(task, advice=await self._advise(run.mode, task, progress, ends=ends))
            result = await self._child.prepare(task, progress, ends=ends)
            await failpoint("prepared")
            yield PreparedTable(target, result)

    async def _advise(self, mode: AiMode, task: PreparationTask, progress: Progress, *, ends: float) -> AdviceResult:
        """Ask from here: the child has neither key nor network."""
        questions: tuple[Question, ...] = ()
        if self._advisor.model is not None:
            questions = await self._child.examine(task, progress, ends=ends)
            progress.update("consulting", 40)
        return await self._advisor.advise(mode, questions)


@asynccontextmanager
async def store_deadline(ends: float) -> AsyncIterator[None]:
    """Bound what is done with the object store, which may answer a little at a time for ever.

    Raises:
        Unavailable: it was not done by `ends`, a moment of the monotonic clock.
    """
    try:
        async with asyncio.timeout(max(1.0, ends - time.monotonic())):
            yield
    except TimeoutError as error:
        raise Unavailable("The object store is too slow.", reason="STORAGE_UNAVAILABLE") from error
