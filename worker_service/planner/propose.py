"""Composition of all rules into a recipe."""

from collections.abc import Iterable, Sequence

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import Profile
from worker_service.core.recipe.recipe import VERSION, Recipe
from worker_service.core.recipe.steps import AnyStep, Flag, HidePersonalData
from worker_service.planner.context import PlanContext
from worker_service.planner.guards import guard
from worker_service.planner.roles import honour_roles
from worker_service.planner.rules.decimal_shifts import propose_decimal_shifts
from worker_service.planner.rules.dependencies import propose_repairs
from worker_service.planner.rules.features import propose_features
from worker_service.planner.rules.formulas import propose_formula_repairs
from worker_service.planner.rules.known_ranges import propose_known_ranges
from worker_service.planner.rules.missing_values import propose_fills
from worker_service.planner.rules.near_duplicates import propose_near_duplicates
from worker_service.planner.rules.outliers import propose_outliers
from worker_service.planner.rules.parsing import propose_duplicates, propose_parsing
from worker_service.planner.rules.sentinels import propose_sentinels
from worker_service.planner.rules.spellings import propose_spellings


def propose(
    profile: Profile,
    options: RunOptions,
    *,
    notes: Sequence[Flag] = (),
    hidden: tuple[HidePersonalData, ...] = (),
) -> Recipe:
    """Return the recipe that the rules propose, with the steps that hide personal data and `notes` first in its log."""
    context = PlanContext.of(profile, options, hidden=hidden)
    return compose(context, [*notes, *propose_steps(context)])


def propose_steps(context: PlanContext) -> list[AnyStep]:
    """Return the steps of all rules in their order; the target is only parsed."""
    cleaning = [
        *propose_sentinels(context),
        *propose_known_ranges(context),
        *propose_decimal_shifts(context),
        *propose_spellings(context),
        *propose_duplicates(context),
        *propose_near_duplicates(context),
        *propose_repairs(context),
        *propose_formula_repairs(context),
        *propose_fills(context),
    ]
    outliers = propose_outliers(context)
    features = propose_features(context, [*cleaning, *outliers])
    return [*propose_parsing(context), *cleaning, *outliers, *features]


def compose(context: PlanContext, steps: Iterable[AnyStep]) -> Recipe:
    """Return the steps as a recipe that has passed the guards."""
    honoured = honour_roles(steps, context.options)
    recipe = Recipe(version=VERSION, target=context.target, steps=tuple(honoured))
    recipe = guard(recipe, context.profile, context.options)
    # The profile is of the table as these steps leave it, so the guards can't judge them.
    return recipe.model_copy(update={"steps": (*context.hidden, *recipe.steps)})
