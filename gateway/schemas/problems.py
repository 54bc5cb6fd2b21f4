"""Errors as JSON."""

from pydantic import BaseModel, Field


class FieldProblem(BaseModel):
    """One wrong field of a request."""

    field: str = Field(description="The field's name.", examples=["mode"])
    detail: str = Field(description="What is wrong with it.", examples=["Input should be 'fast', 'smart' or 'deep'"])


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(
        description="Names the kind of problem as a URI.", examples=["urn:neuralearn:problem:invalid-input"]
    )
    title: str = Field(description="The kind of problem, in words.", examples=["The request is not valid"])
    status: int = Field(description="The HTTP status, repeated.", examples=[422])
    detail: str = Field(
        description="What happened, for people.", examples=["mode: Input should be 'fast', 'smart' or 'deep'"]
    )
    instance: str = Field(description="The path that was asked for.", examples=["/dataset/upload"])
    reason: str = Field(description="A stable name a program can switch on.", examples=["INVALID_INPUT"])
    errors: list[FieldProblem] = Field(description="The wrong fields, where there are any.")
    metadata: dict[str, str] = Field(description="Every number and name the detail mentions.", examples=[{}])
    request_id: str = Field(
        description="Quote it when reporting the problem.", examples=["4f6a0c9d5b8e4d5b9a3f0a9a6f3f8f10"]
    )
