"""Preparation of one run's table: fetch it, consult a language model in AI modes, run a child process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from shared.contracts.artifacts import PROFILE, RECIPE, DatasetKeys
from shared.contracts.run_options import ReadOptions
from shared.contracts.run_result import RunResult
from shared.contracts.vocabulary import AiMode
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.hash_keys import HashKeys
from shared.db.runs import RunRecord
from shared.errors import NotFound, Unavailable
from shared.failpoints import failpoint
from shared.isolation.child_task import ChildTask
from shared.isolation.children import Children
from shared.isolation.recycled_children import SMALL_BYTES
from shared.scratch import Scratch
from shared.storage import ObjectStore
from worker_service.planner.ai.advisor import AdviceResult, Advisor
from worker_service.planner.ai.question import Question
from worker_service.worker.lease import Progress
from worker_service.worker.preparation_task import PreparationTask, ReportProgress

T = TypeVar("T")
Program = Callable[[ReportProgress, PreparationTask], RunResult]
_PROGRAMS = "worker_service.worker.preparation"
_prepare: Program = ChildTask(_PROGRAMS, "prepare")
_examine: Callable[[ReportProgress, PreparationTask], tuple[Question, ...]] = ChildTask(_PROGRAMS, "examine")


@dataclass(frozen=True, kw_only=True)
class PreparationChild:
    """Runs the programs of a preparation in child processes."""

    large: Children
    """Those of any table."""
    small: Children
    """Those of small tables without secrets."""
    memory_bytes: int
    program: Program = _prepare
    """The function that prepares the table in the child."""

    async def prepare(self, task: PreparationTask, progress: Progress, *, deadline_at: float) -> RunResult:
        """Prepare the table in a child process.

        Args:
            task: the input of the child.
            progress: updated as the child reports progress.
            deadline_at: when the child is stopped, in seconds of the monotonic clock.

        Raises:
            ServiceError: the table can't be prepared.
            IsolationError: the child failed, died, or exceeded its memory or its time.
        """
        return await self._run(self.program, task, progress, deadline_at=deadline_at)

    async def examine(self, task: PreparationTask, progress: Progress, *, deadline_at: float) -> tuple[Question, ...]:
        """Profile the table in a child process, and return the questions for a language model.

        Raises:
            ServiceError: the table can't be prepared.
            IsolationError: the child failed, died, or exceeded its memory or its time.
        """
        return await self._run(_examine, task, progress, deadline_at=deadline_at)

    async def _run(
        self, program: Callable[..., T], task: PreparationTask, progress: Progress, *, deadline_at: float
    ) -> T:
        children = self.small if _is_small(task) else self.large
        return await children.run(
            program,
            task,
            deadline=max(1.0, deadline_at - time.monotonic()),
            memory_bytes=self.memory_bytes,
            on_progress=progress.update,
        )


@dataclass(frozen=True)
class PreparedTable:
    """The artifacts of a preparation in a local folder, and the result for the run's row."""

    folder: Path
    result: RunResult


class Preparer:
    """Turns a claimed run into local artifacts; storing and publishing them is left to the executor."""

    def __init__(
        self,
        *,
        datasets: Datasets,
        hash_keys: HashKeys,
        store: ObjectStore,
        scratch: Scratch,
        child: PreparationChild,
        advisor: Advisor,
    ) -> None:
        self._datasets = datasets
        self._hash_keys = hash_keys
        self._store = store
        self._scratch = scratch
        self._child = child
        self._advisor = advisor
        self.memory_bytes = child.memory_bytes

    @asynccontextmanager
    async def prepare(self, run: RunRecord, progress: Progress, *, deadline_at: float) -> AsyncIterator[PreparedTable]:
        """Prepare a run's table; its files are removed when the block ends.

        Args:
            run: the claimed run.
            progress: updated as the child reports progress.
            deadline_at: when the preparation is stopped, in seconds of the monotonic clock.

        Raises:
            ServiceError: the table can't be prepared; Unavailable if it may work later.
            IsolationError: the child failed, died, or exceeded its memory or its time.
        """
        dataset = await self._datasets.get(run.dataset_id)
        async with AsyncExitStack() as stack:
            scratch = await stack.enter_async_context(self._scratch.folder())
            async with store_deadline(deadline_at):
                table = await stack.enter_async_context(self._store.local_copy(dataset.table_key, scratch=scratch))
                revised = await self._copy_revised(run, scratch) if run.options.revision is not None else None
                recipe = rejects = None
                if run.options.is_replay:
                    keys = DatasetKeys(dataset.id)
                    recipe = await stack.enter_async_context(self._store.local_copy(keys.recipe, scratch=scratch))
                    with suppress(NotFound):
                        rejects = await stack.enter_async_context(self._store.local_copy(keys.rejects, scratch=scratch))
            target = scratch / "artifacts"
            target.mkdir()
            await failpoint("copied")
            needs_key = run.options.is_hashing or run.options.is_replay
            task = PreparationTask(
                table=table,
                target=target,
                options=run.options.model_copy(update={"reading": _reading(dataset)}),
                profile=scratch / "examined-profile.json",
                hash_key=await self._hash_keys.of(dataset.user_id) if needs_key else None,
                recipe=recipe,
                rejects=rejects,
                revised=revised,
            )
            if run.mode != "fast":
                task = replace(task, advice=await self._advise(run, task, progress, deadline_at=deadline_at))
            result = await self._child.prepare(task, progress, deadline_at=deadline_at)
            await failpoint("prepared")
            yield PreparedTable(target, result)

    async def _copy_revised(self, run: RunRecord, scratch: Path) -> Path:
        """Copy the recipe and the profile that a revision starts from, and return their folder."""
        folder = scratch / "revised"
        folder.mkdir()
        base = run.options.revision.base if run.options.revision is not None else ""
        for name in (RECIPE, PROFILE):
            (folder / name).write_bytes(await self._store.read_bytes(f"{base}/{name}"))
        return folder

    async def _advise(
        self, run: RunRecord, task: PreparationTask, progress: Progress, *, deadline_at: float
    ) -> AdviceResult:
        """Consult the model from this process, because the child has neither an API key nor a network."""
        questions: tuple[Question, ...] = ()
        if self._advisor.model is not None:
            questions = await self._child.examine(task, progress, deadline_at=deadline_at)
            progress.update("consulting", 40)
        mode: AiMode = "deep" if run.mode == "deep" else "smart"
        return await self._advisor.advise(mode, questions, dataset_id=run.dataset_id)


def _is_small(task: PreparationTask) -> bool:
    """Return True if a child may serve other tasks afterwards, which shall not find a secret in its memory."""
    inputs = [path for path in (task.table, task.recipe, task.rejects) if path is not None]
    if task.revised is not None:
        inputs += task.revised.iterdir()
    size = sum(path.stat().st_size for path in inputs)
    return task.hash_key is None and size <= SMALL_BYTES


def _reading(dataset: DatasetRecord) -> ReadOptions:
    """Return how the file was read, so that the next one can be read alike."""
    detected = {name: value for name, value in dataset.parse_plan.items() if name in ReadOptions.model_fields and value}
    return ReadOptions.model_validate({**dataset.run.options.reading.model_dump(), **detected})


@asynccontextmanager
async def store_deadline(deadline_at: float) -> AsyncIterator[None]:
    """Bound the time of the block, because an object store can respond too slowly without ever failing.

    Args:
        deadline_at: when the block is stopped, in seconds of the monotonic clock.

    Raises:
        Unavailable: the block did not end in time.
    """
    try:
        async with asyncio.timeout(max(1.0, deadline_at - time.monotonic())):
            yield
    except TimeoutError as error:
        raise Unavailable("The object store is too slow.", reason="STORAGE_UNAVAILABLE") from error
