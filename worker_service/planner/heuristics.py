"""The rules that turn the facts about a table into a recipe."""

from collections.abc import Sequence

from worker_service.core.profile import Profile
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep, Flag
from worker_service.planner.cleaning import propose_cleaning
from worker_service.planner.counsel import Counsel
from worker_service.planner.dependencies import propose_repairs
from worker_service.planner.features import propose_features
from worker_service.planner.guards import guard
from worker_service.planner.near_duplicates import propose_near_duplicates
from worker_service.planner.options import Options
from worker_service.planner.outliers import propose_outliers
from worker_service.planner.reading import propose_duplicates, propose_reading
from worker_service.planner.sentinels import propose_sentinels
from worker_service.planner.slips import propose_slips
from worker_service.planner.spellings import propose_spellings
from worker_service.planner.weighed import told_target

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
