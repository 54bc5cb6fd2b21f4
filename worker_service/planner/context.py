"""The input of every rule, computed once for a plan."""

from dataclasses import dataclass

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import HidePersonalData
from worker_service.core.relations.target import Target

MAX_MISSING_SHARE = 0.8
"""A column that misses more of its cells than this is no feature."""


@dataclass(frozen=True, kw_only=True)
class PlanContext:
    """A table's profile, the uploader's options, and what follows from both for all rules."""

    profile: Profile
    options: RunOptions
    target: Target
    """The column that no step may change."""
    hidden: tuple[HidePersonalData, ...] = ()
    """The first steps of the recipe, after which the table was profiled."""

    @classmethod
    def of(
        cls,
        profile: Profile,
        options: RunOptions,
        *,
        target: Target | None = None,
        hidden: tuple[HidePersonalData, ...] = (),
    ) -> "PlanContext":
        """Return the context of a plan; `target` overrides the target of the profile."""
        return cls(profile=profile, options=options, target=target or profile.target, hidden=hidden)


def is_sparse(column: ColumnProfile, rows: int) -> bool:
    """Return True if too few cells have a value to infer the others."""
    return column.missing > MAX_MISSING_SHARE * rows
