"""Models of what a preparation gains."""

from typing import Literal

from pydantic import BaseModel, Field

from gateway.schemas.fields import DatasetId


class Estimate(BaseModel):
    """A mean over the folds with its 95 % interval, which allows for what the folds share."""

    mean: float = Field(description="The mean.", examples=[0.81])
    low: float = Field(description="The lower end of the interval.", examples=[0.77])
    high: float = Field(description="Its upper end.", examples=[0.85])


class TableScore(BaseModel):
    """How well a model predicts the target from a table."""

    table: Literal["raw", "cleaned", "engineered"] = Field(
        description="The table; the one as it was read and the cleaned one get the least preparation that models need.",
        examples=["engineered"],
    )
    model: Literal["linear", "boosting", "neighbours", "mean"] = Field(
        description="The model, or the mean of the three.", examples=["linear"]
    )
    score: Estimate = Field(description="The score.")


class FamilyGain(BaseModel):
    """What the mean of the models gains by a family of steps."""

    family: str = Field(description="Its name.", examples=["fills"])
    steps: list[int] = Field(description="The places of its steps in the recipe, from 1.", examples=[[4, 5]])
    gain: Estimate = Field(description="The gain; below zero where the table is better without them.")


class Utility(BaseModel):
    """What a preparation gains for the prediction of its target, by cross-validation."""

    dataset_id: DatasetId
    target: str = Field(description="The column that is predicted.", examples=["price"])
    metric: Literal["accuracy", "r2"] = Field(
        description="What a score is: the share of right classes, or the explained share of the variance.",
        examples=["r2"],
    )
    rows: int = Field(description="The rows of the sample.", examples=[1000])
    folds: int = Field(description="The folds of the cross-validation.", examples=[5])
    baseline: float = Field(description="The score of predicting the most frequent class, or the mean.", examples=[0.0])
    scores: list[TableScore] = Field(description="How well each model predicts the target from each table.")
    gain: Estimate = Field(
        description="What the engineered table gains over the one as it was read, in the mean of the models."
    )
    families: list[FamilyGain] = Field(description="What the engineered table gains by each family of its steps.")
