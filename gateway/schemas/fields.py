"""Fields that several JSON models share."""

from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import Field

from shared.contracts.vocabulary import StepState

EXAMPLE_ID = "0b6f7c2e-3a51-4c58-9d0e-7f0c1f6f3a11"
_EXAMPLE_TIME = "2026-11-23T15:59:12.531000Z"

DatasetId = Annotated[str, Field(description="The dataset's UUID.", examples=[EXAMPLE_ID])]
DatabaseName = Annotated[
    str, Field(description="What the dataset is called: the file name without its last extension.", examples=["sales"])
]
NextPageToken = Annotated[
    str | None, Field(description="Pass it as `page_token` to get the next page; null on the last.", examples=[None])
]
StepNumber = Annotated[int, Field(description="The step's place in the recipe, from 1.", examples=[1])]
StepStateField = Annotated[StepState, Field(description="What became of the step.", examples=["applied"])]
Why = Annotated[
    str,
    Field(
        description="What was done and why, with the numbers.",
        examples=["Filled 7 missing cells of “price” with the median 42. The values are skewed (skew 2.1)."],
    ),
]
Kind = Annotated[str, Field(description="What the step does.", examples=["fill_missing"])]
Rule = Annotated[str, Field(description="The rule or model that proposed the step.", examples=["fill_skewed"])]
Confidence = Annotated[float, Field(description="How sure the proposer was, 0 to 1.", examples=[0.9])]
Parameters = Annotated[dict[str, Any], Field(description="The step's parameters.", examples=[{"value": 42}])]
Moment = Annotated[datetime | None, Field(description="When, in UTC.", examples=[_EXAMPLE_TIME])]


def words(vocabulary: Any) -> str:
    """Return the words of a vocabulary as a list for a description."""
    *most, last = (f"`{word}`" for word in get_args(vocabulary))
    return f"{', '.join(most)} or {last}"
