"""Charts as compact data: what the worker computes, the report service draws, and a front end can draw itself."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class HistogramData(_Value):
    """Counts between edges, of the values as read and as cleaned; `edges` has one element more."""

    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    axis: Literal["number", "time"] = "number"
    """The unit of the edges: values, or seconds since 1970."""
    whole: bool = False
    """True if the values are whole numbers."""
    scale: Literal["linear", "log", "symlog"] = "linear"
    """The scale on which the bins are equally wide: symlog is logarithmic on both sides of zero."""
    linear_within: float | None = None
    """On a symlog scale, the distance from zero within which it is linear."""
    outside: int = 0
    """Values as read that lie beyond the edges, far from all that are left; `before` does not count them."""


class BoxData(_Value):
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


class BoxplotData(_Value):
    """One box for the values as read and one as cleaned; None where there are none."""

    before: BoxData | None
    after: BoxData | None
    whole: bool = False
    """True if the values are whole numbers."""


class CountplotData(_Value):
    """How often the 20 most frequent values occur, as read and as cleaned, and all the others together."""

    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    other_before: int
    other_after: int
    distinct: int
    """Different values in either table."""


class CorrelationData(_Value):
    """Pearson's coefficients; None where undefined."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    sampled_rows: int


class MissingnessData(_Value):
    """Cells without a value in each column; null afterwards where the column was dropped."""

    columns: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int | None, ...]
    rows: int


class ChartInfo(_Value):
    """A chart without its data."""

    graph_id: str
    """Unique within the dataset: the kind and the column's place in the decoded table."""
    title: str
    columns: tuple[str, ...]


class HistogramChart(ChartInfo):
    """How the values of a numeric or time column are distributed."""

    kind: Literal["histogram"]
    data: HistogramData


class BoxplotChart(ChartInfo):
    """Quartiles, whiskers and outliers of a numeric column."""

    kind: Literal["boxplot"]
    data: BoxplotData


class CountplotChart(ChartInfo):
    """How often each value of a categorical column occurs."""

    kind: Literal["countplot"]
    data: CountplotData


class CorrelationChart(ChartInfo):
    """How strongly the numeric columns go together."""

    kind: Literal["correlation"]
    data: CorrelationData


class MissingnessChart(ChartInfo):
    """How much each column misses."""

    kind: Literal["missingness"]
    data: MissingnessData


AnyChart = HistogramChart | BoxplotChart | CountplotChart | CorrelationChart | MissingnessChart
Chart = Annotated[AnyChart, Field(discriminator="kind")]
CHART: TypeAdapter[Chart] = TypeAdapter(Chart)
