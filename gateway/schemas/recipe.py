"""The preparation as data, as JSON."""

from pydantic import BaseModel, Field

from gateway.schemas.fields import Confidence, Rule
from gateway.schemas.results import Target


class RecipeStep(BaseModel, extra="allow"):
    """A step with what all steps share; the other fields are the parameters of its kind."""

    kind: str = Field(description="What the step does.", examples=["fill_missing"])
    why: str = Field(description="The evidence that decided it, with its numbers.")
    confidence: Confidence
    rule: Rule


class Recipe(BaseModel):
    """The preparation as data: carried out again on the same table, it gives the same result."""

    version: int = Field(description="The version of this format.", examples=[1])
    target: Target = Field(description="The column that every step leaves alone.")
    steps: list[RecipeStep] = Field(description="The steps in the order in which they were proposed.")
