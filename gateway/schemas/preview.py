"""Models of a dataset as it would be read."""

from pydantic import BaseModel, Field

from gateway.schemas.datasets import ParsePlan
from shared.contracts.vocabulary import ColumnType


class PreviewColumn(BaseModel):
    """A column of a preview."""

    name: str = Field(description="Its name.", examples=["price"])
    type: ColumnType = Field(
        description="What it is, as the profile would say, judged by the first 1,000 rows.", examples=["decimal"]
    )
    why: str = Field(description="The evidence for the type.", examples=["all 3 values are numbers."])


class DelimiterCandidate(BaseModel):
    """A separator that may part the cells of the file."""

    delimiter: str = Field(description="The character.", examples=[";"])
    score: float = Field(
        description="How evenly it parts the rows into cells that look like values, 0 to 1.", examples=[0.81]
    )


class HeaderCandidate(BaseModel):
    """A line that may be the header of the file."""

    header_row: int = Field(description="The line, from 1.", examples=[1])
    score: float = Field(
        description="How much it looks like names above values: 1 clearly, 0 in doubt, negative for one more row.",
        examples=[0.9],
    )


class EncodingCandidate(BaseModel):
    """An encoding that the file may be in."""

    encoding: str = Field(description="Its name.", examples=["cp1252"])
    score: float = Field(
        description="How well the words with letters beyond ASCII read in it, about 0 to 2.", examples=[1.1]
    )


class Preview(BaseModel):
    """A dataset as it would be read; nothing of it is stored."""

    filename: str = Field(description="The file name.", examples=["sales.csv"])
    size_bytes: int = Field(description="Size of the file.", examples=[48])
    parse_plan: ParsePlan = Field(description="How it was read.")
    rows: int = Field(description="Rows of the table.", examples=[3])
    columns: list[PreviewColumn] = Field(description="The columns.")
    sample_rows: list[list[bool | int | float | str | None]] = Field(
        description="The first rows as they were read, 100 at most, with a value for each column.",
        examples=[[["Berlin", "4.5"]]],
    )
    delimiters: list[DelimiterCandidate] = Field(
        description="The separators of a text file that come into question; the one that was used is first."
    )
    header_rows: list[HeaderCandidate] = Field(
        description="The lines of a text file that may be the header; the one that was used is first."
    )
    encodings: list[EncodingCandidate] = Field(
        description="The encodings of a text file that come into question; the one that was used is first, none for "
        "UTF-8."
    )
    expected_seconds: float | None = Field(
        description="How long a preparation will take, judged by runs of similar size that completed lately; null "
        "where none has.",
        examples=[1.5],
    )
