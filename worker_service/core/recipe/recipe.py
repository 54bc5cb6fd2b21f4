"""A plan of preparation as a value: versioned, frozen, equal after a round trip through JSON."""

from typing import Annotated, Literal

from pydantic import Field

from worker_service.core.recipe.steps import AnyStep
from worker_service.core.relations.target import Target
from worker_service.core.stats.summary import Value

Discriminated = Annotated[AnyStep, Field(discriminator="kind")]


class Recipe(Value):
    """The steps in the order in which they were proposed, and the column they must leave alone."""

    version: Literal[1]
    target: Target
    steps: tuple[Discriminated, ...]
