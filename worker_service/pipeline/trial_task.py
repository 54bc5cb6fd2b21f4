"""Dry runs in a child process, apart from what its parent imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from shared.contracts.run_options import Revision, RunOptions
from shared.contracts.split import parse_split
from shared.errors import InvalidInput
from worker_service.core.recipe.contract import conform
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import with_revision
from worker_service.core.reporting.effects import carry_out
from worker_service.core.table.frame import Frame

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


def try_recipe(task: TrialTask) -> DryRun:
    """Return what a recipe does to a table.

    Raises:
        InvalidInput: a parameter or an added step does not fit.
    """
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
