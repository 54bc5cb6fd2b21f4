"""Preparation by a recipe that is proposed anew, with what users changed of the one before."""

from shared.contracts.run_options import Revision
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import carry_changes, revise
from worker_service.planner.privacy import PrivateTable


def carry_over(before: Recipe, revision: Revision, outcome: Outcome, table: PrivateTable) -> Outcome:
    """Change a recipe that was proposed anew as users had changed the one before, and carry it out once more.

    Args:
        before: the recipe with their changes.
        revision: the cells that stay as the file has them.
        outcome: of the recipe that was proposed anew.
        table: what it was made from.
    """
    changes = carry_changes(before, outcome.recipe).model_copy(update={"cells": revision.cells})
    if changes == Revision(base=""):
        return outcome
    return revise(outcome.recipe, changes, table.decoded, table.options, hash_key=table.hash_key)
