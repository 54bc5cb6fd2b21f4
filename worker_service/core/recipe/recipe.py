"""A recipe, the plan of a preparation, as a value that survives a round trip through JSON."""

from typing import Annotated, Literal

from pydantic import Field

from worker_service.core.recipe.steps import AnyStep
from worker_service.core.relations.target import Target
from worker_service.core.stats.summary import Value

Discriminated = Annotated[AnyStep, Field(discriminator="kind")]


class Recipe(Value):
    """The steps in the order in which they were proposed, and the target, which they must not change."""

    version: Literal[1]
    target: Target
    steps: tuple[Discriminated, ...]
