"""The rules that turn the facts about a table into a recipe."""

from collections.abc import Sequence

from worker_service.core.profile import Profile
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep, Flag
from worker_service.planner.ai.accepted import told_target
from worker_service.planner.ai.review import Counsel
from worker_service.planner.guards import guard
from worker_service.planner.options import Options
from worker_service.planner.rules.decimal_shifts import propose_slips
from worker_service.planner.rules.dependencies import propose_repairs
from worker_service.planner.rules.features import propose_features
from worker_service.planner.rules.missing_values import propose_cleaning
from worker_service.planner.rules.near_duplicates import propose_near_duplicates
from worker_service.planner.rules.outliers import propose_outliers
from worker_service.planner.rules.parsing import propose_duplicates, propose_reading
from worker_service.planner.rules.sentinels import propose_sentinels
from worker_service.planner.rules.spellings import propose_spellings

__all__ = ["Options", "propose"]


def propose(
    profile: Profile, options: Options, *, counsel: Counsel | None = None, notes: Sequence[Flag] = ()
) -> Recipe:
    """Read, mask, merge, drop what is nearly empty, fill, treat outliers, derive features; the target is only read.

    `counsel` rewrites the steps by what stands of a language model's advice, `notes` tell about asking it.
    """
    target = profile.target if counsel is None else told_target(profile, counsel.weighed)
    reading = propose_reading(profile, target)
    cleaning = [
        *propose_sentinels(profile, target),
        *propose_slips(profile, target),
        *propose_spellings(profile, target),
        *propose_duplicates(profile),
        *propose_near_duplicates(profile),
        *propose_repairs(profile, target),
        *propose_cleaning(profile, target),
    ]
    outliers = propose_outliers(profile, target, options)
    features = propose_features(profile, target, [*cleaning, *outliers])
    steps: list[AnyStep] = [*notes, *reading, *cleaning, *outliers, *features]
    if counsel is not None:
        steps = [*counsel.rewritten(profile, steps), *counsel.weighed.suggestions]
    return guard(Recipe(version=1, target=target, steps=tuple(steps)), profile)
