"""Charts as compact data: what the renderer draws, and what a front end can draw itself."""

from typing import Annotated, Literal

from pydantic import Field

from worker_service.core.stats.summary import Value


class Histogram(Value):
    """Counts between edges, of the values as read and as cleaned; `edges` has one element more."""

    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    axis: Literal["number", "time"]
    """What the edges are: values, or seconds since 1970."""
    whole: bool
    """Whether the values are whole numbers."""


class Box(Value):
    """Whiskers end at the last values within the fences of the values as read; outliers lie beyond.

    The fences are 1.5 interquartile ranges beyond the quartiles.
    """

    whisker_low: float
    q1: float
    median: float
    q3: float
    whisker_high: float
    outliers: tuple[float, ...]
    """At most 200 of them, evenly drawn from the smallest to the largest."""
    outlier_count: int


class Boxplot(Value):
    """One box for the values as read and one as cleaned; None where there are none."""

    before: Box | None
    after: Box | None
    whole: bool
    """Whether the values are whole numbers."""


class Countplot(Value):
    """How often the 20 most frequent values occur, as read and as cleaned, and all the others together."""

    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    other_before: int
    other_after: int
    distinct: int
    """Different values in either table."""


class CorrelationMatrix(Value):
    """Pearson's coefficients; None where undefined."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    sampled_rows: int


class Missingness(Value):
    """Cells without a value in each column; null afterwards where the column was dropped."""

    columns: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int | None, ...]
    rows: int


class _Chart(Value):
    graph_id: str
    """Unique within the dataset: the kind and the column's place in the decoded table."""
    title: str
    columns: tuple[str, ...]


class HistogramChart(_Chart):
    """How the values of a numeric or time column are distributed."""

    kind: Literal["histogram"]
    data: Histogram


class BoxplotChart(_Chart):
    """Quartiles, whiskers and outliers of a numeric column."""

    kind: Literal["boxplot"]
    data: Boxplot


class CountplotChart(_Chart):
    """How often each value of a categorical column occurs."""

    kind: Literal["countplot"]
    data: Countplot


class CorrelationChart(_Chart):
    """How strongly the numeric columns go together."""

    kind: Literal["correlation"]
    data: CorrelationMatrix


class MissingnessChart(_Chart):
    """How much each column misses."""

    kind: Literal["missingness"]
    data: Missingness


AnyChart = HistogramChart | BoxplotChart | CountplotChart | CorrelationChart | MissingnessChart
Chart = Annotated[AnyChart, Field(discriminator="kind")]
