"""Dry runs in child processes."""

import pyarrow as pa
from pydantic import ValidationError

from shared.contracts.run_options import Revision
from shared.contracts.split import parse_split
from shared.errors import InvalidInput
from worker_service.core.recipe.apply import Outcome, Watch, apply
from worker_service.core.recipe.ledger import count_differing
from worker_service.core.recipe.recipe import Recipe, describe_invalid
from worker_service.core.recipe.replay import carry_changes, replay, with_revision
from worker_service.core.reporting.effects import describe_effects
from worker_service.core.table.frame import Frame
from worker_service.pipeline.trial_task import DryRun, TrialTask


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
    frames: dict[int, tuple[Frame, Frame]] = {}
    try:
        outcome = _carry_out(task, frame, lambda step, before, after: frames.update({step: (before, after)}))
    except ValidationError as error:
        raise InvalidInput(f"The change does not fit: {describe_invalid(error)}.") from None
    results = {result.step: result for result in outcome.results}
    return {
        "rows": outcome.cleaned.rows,
        "cleaned_columns": len(outcome.cleaned.names),
        "engineered_columns": len(outcome.engineered.names),
        "cells_changed": count_differing(outcome.changes),
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
            for effect in describe_effects(outcome, frames)
        ],
    }


def _carry_out(task: TrialTask, frame: Frame, watch: Watch) -> Outcome:
    recipe, revision = Recipe.model_validate_json(task.recipe), task.revision
    kept_cells = revision.cells
    if task.options.is_replay:
        # It loads what compares tables, which own recipes do not need.
        from worker_service.planner.repeated_run import with_choices

        repeated = with_choices(recipe, modes=task.options.contract, revision=task.revision)
        return replay(repeated, frame, hash_key=task.hash_key, kept_cells=kept_cells, watch=watch)
    if revision.is_anew:
        # It loads what proposes recipes, which the others do not need.
        from worker_service.core.utility.selection import leave_out_harmful
        from worker_service.planner.privacy import hide_personal_data
        from worker_service.planner.propose import propose

        table = hide_personal_data(frame, task.options, hash_key=task.hash_key)
        proposed = propose(table.profile(), table.options, hidden=table.steps)
        if not kept_cells and carry_changes(recipe, proposed) == Revision(base=""):
            outcome = apply(proposed, frame, hash_key=task.hash_key, watch=watch)
            if len(leave_out_harmful(outcome).recipe.steps) == len(outcome.recipe.steps):
                return outcome
        anew = table.apply(proposed).recipe
        revision, recipe = carry_changes(recipe, anew), anew
    revised = with_revision(recipe, revision)
    return apply(revised, frame, hash_key=task.hash_key, kept_cells=kept_cells, watch=watch)
