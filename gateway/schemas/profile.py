"""The profile of an uploaded table, as JSON."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.schemas.fields import DatasetId, words
from gateway.schemas.results import Target
from shared.contracts.vocabulary import AlertSeverity, ColumnType, Storage


class QualityPart(BaseModel):
    """One part of the quality score."""

    name: str = Field(
        description="`completeness`, `uniqueness`, `validity`, `consistency`, `plausibility` or `clarity`.",
        examples=["completeness"],
    )
    score: float = Field(
        description="0 to 100: the share of what was looked at that has no fault; 100 only where there is none at all.",
        examples=[96.4],
    )
    faults: int = Field(description="How many have a fault.", examples=[36])
    total: int = Field(description="How many were looked at: cells, rows or columns.", examples=[1000])
    why: str = Field(
        description="How it was counted, with the numbers.", examples=["36 of 1,000 cells (3.6 %) have no value."]
    )


class Quality(BaseModel):
    """The quality of a table."""

    score: float = Field(
        description="The weighted product of the parts, 0 to 100: every part lowers it, and none outweighs another.",
        examples=[97.9],
    )
    parts: list[QualityPart] = Field(description="What the score is made of.")


class Alert(BaseModel):
    """Something to know about a table or one of its columns."""

    kind: str = Field(
        description="A stable name a program can switch on; later versions may add some.", examples=["missing_values"]
    )
    column: str | None = Field(description="The column; null where the whole table is meant.", examples=["price"])
    severity: AlertSeverity = Field(
        description="`info`: good to know; `warning`: look at it before you trust the column; `error`: it can't be "
        "used like this.",
        examples=["warning"],
    )
    why: str = Field(
        description="What was found, as a sentence with the numbers.",
        examples=["70 of 1,000 cells (7 %) of “price” have no value."],
    )
    affected: int = Field(
        description="The cells (of an alert about rows: the rows) it is about; 0 for none in particular.", examples=[70]
    )


class Sentinel(BaseModel):
    """A number that stands for a missing value."""

    value: float = Field(description="The number.", examples=[999])
    count: int = Field(description="Cells that hold it.", examples=[14])


class Spelling(BaseModel):
    """An unusual spelling of a category."""

    before: str = Field(description="As it is spelled.", examples=["OSLO"])
    after: str = Field(description="As the same value is usually spelled.", examples=["Oslo"])
    count: int = Field(description="Cells that are spelled like this.", examples=[3])


class ValueCount(BaseModel):
    """A value and how often it occurs."""

    value: str = Field(description="The value as text, cut after 1000 characters.", examples=["Oslo"])
    count: int = Field(description="Cells that hold it.", examples=[212])


class Fences(BaseModel):
    """The range of ordinary numbers."""

    lower: float | None = Field(description="Smaller ones are outliers; null for none.", examples=[-3.5])
    upper: float | None = Field(description="Larger ones are outliers; null for none.", examples=[98.25])
    outside: int = Field(description="How many lie outside.", examples=[12])
    shape: str = Field(description="What the range was widened for; `even` for nothing.", examples=["even"])
    within_widened: int = Field(description="How many only the widened range takes for ordinary.", examples=[0])


class NumberSummary(BaseModel):
    """Statistics of the numbers of a column; null where undefined or too large for a double."""

    minimum: float | None = Field(description="The smallest.", examples=[0.5])
    maximum: float | None = Field(description="The largest.", examples=[412.0])
    mean: float | None = Field(description="The arithmetic mean.", examples=[48.1])
    std: float | None = Field(description="The sample standard deviation.", examples=[20.2])
    median: float | None = Field(description="The middle one.", examples=[46.0])
    q1: float | None = Field(description="A quarter of the numbers is smaller.", examples=[33.0])
    q3: float | None = Field(description="A quarter of the numbers is larger.", examples=[61.5])
    skew: float | None = Field(description="Third standardised moment; 0 for a symmetric column.", examples=[0.4])
    kurtosis: float | None = Field(
        description="Fourth standardised moment less 3; 0 for a normal distribution.", examples=[1.1]
    )
    zero_share: float = Field(description="The share of zeros, 0 to 1.", examples=[0.02])
    decimals: int | None = Field(description="The most decimals a number has; null for more than nine.", examples=[2])
    iqr: Fences = Field(description="Where ordinary numbers end by quartiles.")
    zscore: Fences = Field(description="Where ordinary numbers end by standard deviations.")


class TimestampSummary(BaseModel):
    """Statistics of the timestamps of a column, in ISO 8601; with a zone (UTC) where the column has one."""

    first: str | None = Field(description="The earliest.", examples=["2024-01-01T00:00:00"])
    last: str | None = Field(description="The latest.", examples=["2024-12-31T00:00:00"])
    median: str | None = Field(description="The middle one.", examples=["2024-07-01T00:00:00"])
    has_time: bool = Field(description="Whether some timestamp is not midnight.", examples=[False])


class TextSummary(BaseModel):
    """Lengths of the texts of a column in characters."""

    shortest: int = Field(description="The shortest.", examples=[3])
    longest: int = Field(description="The longest.", examples=[42])
    mean: float = Field(description="The mean over all cells with a text.", examples=[11.7])
    spaced_share: float = Field(description="Share of the different texts that contain a space.", examples=[0.1])


class ColumnProfile(BaseModel):
    """The facts about one column."""

    name: str = Field(description="The column's name.", examples=["price"])
    position: int = Field(description="Its place in the table, from 1.", examples=[3])
    type: str = Field(
        description=f"What it is for: {words(ColumnType)}; later versions may add some.",
        examples=["decimal"],
    )
    semantic_type: str | None = Field(
        description="What the values denote: `email`, `url`, `phone`, `postal_code`, `country_code`, "
        "`latitude` or `longitude`; null where that is not known, and later versions may add some.",
        examples=[None],
    )
    personal_data: str | None = Field(
        description="What the cells tell of persons: `email`, `phone`, `card`, `iban`, `national_id`, `name`, "
        "`address`, `birth_date` or, where only the uploader says so, `other`; null where that is nothing or not "
        "known, and later versions may add some.",
        examples=[None],
    )
    privacy: str = Field(
        description="What was done with that before the column was looked at: `keep`, `mask` or `hash`; a dropped "
        "column is not here.",
        examples=["keep"],
    )
    storage: str = Field(
        description=f"What its cells hold: {words(Storage)}; later versions may add some.", examples=["decimal"]
    )
    why: str = Field(description="Why this type.", examples=["993 of 1,000 cells are numbers."])
    read_as: dict[str, Any] | None = Field(
        description="How its text is read, such as the format of its dates; null where it is right as it is.",
        examples=[{"kind": "decimal", "decimal_mark": ","}],
    )
    missing: int = Field(
        description="Cells without a value once read, those with a sentinel or of the wrong type included.",
        examples=[7],
    )
    distinct: int = Field(description="Different values.", examples=[311])
    invalid: int = Field(description="Cells whose value does not fit the type.", examples=[2])
    invalid_examples: list[str] = Field(
        description="Some of those values, cut after 1000 characters.", examples=[["ask us"]]
    )
    ambiguity: str | None = Field(description="Something a person should decide; null for nothing.", examples=[None])
    monotonic: Literal["increasing", "decreasing"] | None = Field(
        description="Whether every value is larger (smaller) than the one before; null where neither.", examples=[None]
    )
    duplicate_of: str | None = Field(
        description="An earlier column with the same cells; null for none.", examples=[None]
    )
    sentinels: list[Sentinel] = Field(description="Numbers that stand for a missing value.")
    spellings: list[Spelling] = Field(description="Unusual spellings of categories; at most 100.")
    spelling_count: int = Field(description="How many unusual spellings there are.", examples=[0])
    top_values: list[ValueCount] = Field(
        description="The most frequent values, the most frequent first; at most 20, none where values do not repeat."
    )
    numbers: NumberSummary | None = Field(description="What its numbers look like; null where it holds none.")
    timestamps: TimestampSummary | None = Field(description="What its timestamps look like; null where it holds none.")
    text: TextSummary | None = Field(description="What its texts look like; null where it holds none.")


class CorrelatedPair(BaseModel):
    """The correlation of two numeric columns."""

    first: str = Field(description="The earlier column.", examples=["price"])
    second: str = Field(description="The later column.", examples=["tax"])
    coefficient: float = Field(description="Pearson's coefficient, -1 to 1.", examples=[0.97])


class Profile(BaseModel):
    """The facts about a table as it was uploaded, what they mean for whoever uses it, and how good it is."""

    dataset_id: DatasetId
    rows: int = Field(description="Data rows.", examples=[1000])
    duplicate_rows: int = Field(description="Rows equal to an earlier one.", examples=[4])
    time_column: str | None = Field(
        description="The first column of strictly increasing timestamps, in whose order the rows are; null for none.",
        examples=[None],
    )
    target: Target = Field(description="What a model would predict.")
    quality: Quality | None = Field(description="How good the table is; null where it was not assessed.")
    cleaned_quality: Quality | None = Field(
        description="How good the cleaned table is, by the same measures: a filled cell counts as known, an emptied "
        "one as a gap; null in results of earlier versions."
    )
    alerts: list[Alert] = Field(description="What to know about it, the most severe first.")
    columns: list[ColumnProfile] = Field(description="Its columns in their order.")
    correlations: list[CorrelatedPair] = Field(
        description="Which numeric columns go together, the strongest pair first; at most 500 pairs."
    )
    correlation_rows: int = Field(
        description="How many rows the correlations were computed from, evenly spaced.", examples=[1000]
    )
