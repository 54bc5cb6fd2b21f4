"""Dry runs of recipes, in child processes: what each step would do to the table."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from shared.contracts.artifacts import RECIPE
from shared.contracts.revision import RevisionRequest, propose_anew, revise
from shared.contracts.run_options import Revision
from shared.db.datasets import Datasets
from shared.db.hash_keys import HashKeys
from shared.db.published import require_published
from shared.errors import Unavailable
from shared.isolation.child_task import ChildTask
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.storage import ObjectStore
from worker_service.pipeline.trial_task import DryRun, TrialTask

_log = get_logger("pipeline")
_try_recipe: Callable[[TrialTask], DryRun] = ChildTask("worker_service.pipeline.trial_program", "try_recipe")
TRIAL_SECONDS = 60.0
MEMORY_BYTES = 1024**3


class Trials:
    """The use case that tells what a recipe would do."""

    def __init__(
        self, *, datasets: Datasets, hash_keys: HashKeys, store: ObjectStore, scratch: Scratch, isolation: Isolation
    ) -> None:
        self._datasets = datasets
        self._hash_keys = hash_keys
        self._store = store
        self._scratch = scratch
        self._isolation = isolation
        # One at a time, because each keeps a core busy for a second.
        self._slot = asyncio.Semaphore(1)

    async def carry_out(self, dataset_id: UUID, request: RevisionRequest) -> DryRun:
        """Return what the recipe of a dataset would do, changed as asked for; nothing is stored.

        Raises:
            NotReady, Conflict: the dataset has no result.
            InvalidInput: a step or parameter does not exist or does not fit.
            Unavailable: it took too long, or too much memory.
        """
        dataset = await self._datasets.get(dataset_id)
        artifacts, options = require_published(dataset).artifacts, dataset.run.options
        published = await self._store.read_bytes(f"{artifacts}/{RECIPE}")
        if request.proposes_anew:
            options = propose_anew(request, published, options, artifacts=artifacts)
            revision, recipe = options.revision or Revision(base=artifacts), published
        else:
            revision = revise(request, published, options, artifacts=artifacts, must_change=False)
            is_base = revision.base == artifacts
            recipe = published if is_base else await self._store.read_bytes(f"{revision.base}/{RECIPE}")
        hash_key = await self._hash_keys.of(dataset.user_id) if options.is_hashing or options.is_replay else None
        async with (
            self._slot,
            self._scratch.folder() as folder,
            self._store.local_copy(dataset.table_key, scratch=folder) as table,
        ):
            task = TrialTask(table=table, recipe=recipe, options=options, revision=revision, hash_key=hash_key)
            try:
                return await self._isolation.run(_try_recipe, task, deadline=TRIAL_SECONDS, memory_bytes=MEMORY_BYTES)
            except IsolationError as error:
                _log.warning("dry run failed", dataset_id=str(dataset_id), frames=getattr(error, "frames", None))
                raise Unavailable(
                    f"The recipe could not be tried: {error}.", reason="TRIAL_FAILED", retry_after=5
                ) from None
