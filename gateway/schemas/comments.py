"""Comments on the steps, columns and cells of a dataset."""

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from gateway.schemas.fields import EXAMPLE_ID, DatasetId, Moment, NextPageToken
from gateway.upload.fields import UserId


class NewComment(BaseModel):
    """A comment to keep; without step and column it is about the dataset."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=4_000, description="What it says.", examples=["Is 999 a real age?"])
    step: StrictInt | None = Field(
        None, ge=1, le=100_000, description="The step it is about, by its place.", examples=[7]
    )
    column: str | None = Field(
        None, min_length=1, max_length=10_000, description="The column it is about.", examples=["age"]
    )
    row: StrictInt | None = Field(
        None,
        ge=1,
        le=2**53,
        description="With a column: the cell it is about, by its row in the uploaded table, from 1.",
        examples=[None],
    )
    user_id: UserId = Field("", description="Who writes it; empty for the caller.")


class CommentState(BaseModel):
    """Whether a comment is settled."""

    model_config = ConfigDict(extra="forbid")

    resolved: StrictBool = Field(description="True to settle it, false to open it again.", examples=[True])
    user_id: UserId = Field("", description="Who settles it; empty for the caller.")


class Comment(BaseModel):
    """A comment on a dataset, a step, a column or a cell."""

    comment_id: str = Field(description="Its id.", examples=[EXAMPLE_ID])
    dataset_id: DatasetId
    author: str = Field(description="The user who wrote it.", examples=["grace"])
    text: str = Field(description="What it says.", examples=["Is 999 a real age?"])
    step: int | None = Field(description="The step it is about; null for none.", examples=[7])
    column: str | None = Field(description="The column it is about; null for none.", examples=["age"])
    row: int | None = Field(
        description="With a column: the row of the cell it is about; null for none.", examples=[None]
    )
    version: int = Field(
        description="The newest version of the results when it was written; 0 if there was none.",
        examples=[1],
    )
    created_at: Moment = Field(description="When it was written.")
    resolved_by: str | None = Field(description="The user who settled it; null while it is open.", examples=[None])
    resolved_at: Moment | None = Field(description="When it was settled.")


class CommentPage(BaseModel):
    """A page of comments, oldest first."""

    comments: list[Comment] = Field(description="The page.")
    next_page_token: NextPageToken
