"""Guards: checks that every recipe passes before it is carried out, whether rules or a model proposed it."""

from collections.abc import Callable

from shared.contracts.run_options import RunOptions
from worker_service.core.humanize import listing, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import execution_rank
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep, Flag, ReadColumn
from worker_service.planner.rules.parsing import may_read_target

Refusal = str | None
"""Why a step is refused; None if it is not."""


def guard(recipe: Recipe, profile: Profile, options: RunOptions) -> Recipe:
    """Return the recipe in order, without steps that name unknown columns, reuse a name or touch the target."""
    return sort_steps(protect_target(refuse_unknown_columns(recipe, profile), profile, options))


def refuse_unknown_columns(recipe: Recipe, profile: Profile) -> Recipe:
    """Refuse steps that use columns that do not exist, or create columns that exist already."""
    known = {column.name for column in profile.columns}

    def refuse(step: AnyStep) -> Refusal:
        absent = [name for name in step.columns if name not in known]
        if absent:
            return f"there is no column {listing(quoted(name) for name in absent)}."
        taken = [name for name in step.outputs if name in known]
        if taken:
            return f"there is a column {listing(quoted(name) for name in taken)} already."
        known.update(step.outputs)
        return None

    return _refuse(recipe, refuse, known=known)


def protect_target(recipe: Recipe, profile: Profile, options: RunOptions) -> Recipe:
    """Refuse steps that change or drop the target or use it for a feature; it may be parsed where nothing is lost."""
    target = recipe.target.column
    readable = {column.name for column in profile.columns if may_read_target(column, options)}

    def refuse(step: AnyStep) -> Refusal:
        if target is None or target not in step.columns or isinstance(step, Flag):
            return None
        if isinstance(step, ReadColumn) and target in readable:
            return None
        return f"{quoted(target)} is the target, which is never changed and never made into a feature."

    return _refuse(recipe, refuse, known=None)


def sort_steps(recipe: Recipe) -> Recipe:
    """Sort steps by phase, parsing first; within a phase the proposed order is kept."""
    return recipe.model_copy(update={"steps": tuple(sorted(recipe.steps, key=execution_rank))})


def _refuse(recipe: Recipe, refuse: Callable[[AnyStep], Refusal], *, known: set[str] | None) -> Recipe:
    """Replace every refused step by a flag with the reason."""
    steps: list[AnyStep] = []
    for step in recipe.steps:
        why = refuse(step)
        steps.append(step if why is None else _flag(step, why, known=known))
    return recipe.model_copy(update={"steps": tuple(steps)})


def _flag(step: AnyStep, why: str, *, known: set[str] | None) -> Flag:
    column = next((name for name in step.columns if known is None or name in known), None)
    return Flag(
        kind="flag",
        phase="features" if step.phase == "features" else "cleaning",
        column=column,
        why=f"A proposal to {step.kind.replace('_', ' ')} was refused: {why}",
        confidence=1.0,
        rule="guard",
    )
