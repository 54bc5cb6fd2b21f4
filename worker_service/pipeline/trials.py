"""Dry runs of recipes, in child processes: what each step would do to the table."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from shared.contracts.artifacts import RECIPE
from shared.contracts.revision import RevisionRequest, revise
from shared.contracts.run_options import Revision, RunOptions
from shared.contracts.split import parse_split
from shared.db.datasets import Datasets
from shared.db.hash_keys import HashKeys
from shared.db.published import require_published
from shared.errors import InvalidInput, Unavailable
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.storage import ObjectStore

_log = get_logger("pipeline")
TRIAL_SECONDS = 60.0
MEMORY_BYTES = 1024**3
DryRun = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """The input of a child process."""

    table: Path
    """The decoded table as an Arrow IPC file."""
    recipe: bytes
    """The recipe as it was proposed or repeated, as JSON."""
    options: RunOptions
    revision: Revision
    hash_key: bytes | None


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
        revision = revise(request, published, options, artifacts=artifacts, must_change=False)
        is_base = options.revision is None
        recipe = published if is_base else await self._store.read_bytes(f"{revision.base}/{RECIPE}")
        hash_key = await self._hash_keys.of(dataset.user_id) if options.is_hashing or options.is_replay else None
        async with (
            self._slot,
            self._scratch.folder() as folder,
            self._store.local_copy(dataset.table_key, scratch=folder) as table,
        ):
            task = TrialTask(table=table, recipe=recipe, options=options, revision=revision, hash_key=hash_key)
            try:
                return await self._isolation.run(try_recipe, task, deadline=TRIAL_SECONDS, memory_bytes=MEMORY_BYTES)
            except IsolationError as error:
                _log.warning("dry run failed", dataset_id=str(dataset_id), frames=getattr(error, "frames", None))
                raise Unavailable(
                    f"The recipe could not be tried: {error}.", reason="TRIAL_FAILED", retry_after=5
                ) from None


def try_recipe(task: TrialTask) -> DryRun:
    """Return what a recipe does to a table; for a child process.

    Raises:
        InvalidInput: a parameter or an added step does not fit.
    """
    # Few processes of this service ever need the steps.
    from worker_service.core.recipe.contract import conform
    from worker_service.core.recipe.recipe import Recipe
    from worker_service.core.recipe.replay import with_revision
    from worker_service.core.reporting.effects import carry_out
    from worker_service.core.table.frame import Frame

    with pa.memory_map(str(task.table)) as file:
        frame = Frame.from_table(pa.ipc.open_file(file).read_all())
    if task.options.split is not None:
        from worker_service.planner.held_out import split_frame

        frame = split_frame(frame, parse_split(task.options.split)).train
    recipe = Recipe.model_validate_json(task.recipe)
    if task.options.is_replay:
        frame = conform(frame, recipe)
    try:
        revised = with_revision(recipe, task.revision)
    except ValueError as error:
        raise InvalidInput(f"The change does not fit: {error}") from None
    outcome, effects = carry_out(revised, frame, hash_key=task.hash_key, kept_cells=task.revision.cells)
    results = {result.step: result for result in outcome.results}
    return {
        "rows": outcome.cleaned.rows,
        "cleaned_columns": len(outcome.cleaned.names),
        "engineered_columns": len(outcome.engineered.names),
        "cells_changed": outcome.changes.num_rows,
        "steps": [
            {
                **effect.model_dump(),
                "kind": results[effect.step].kind,
                "phase": results[effect.step].phase,
                "columns": results[effect.step].columns,
                "outputs": results[effect.step].outputs,
                "rule": results[effect.step].rule,
                "confidence": results[effect.step].confidence,
            }
            for effect in effects
        ],
    }
