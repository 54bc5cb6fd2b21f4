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
    outside: int = 0
    """Values as read far from all that are left, which are no outliers of `before`."""


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
    """Pearson's coefficients; None where undefined. Columns that go together stand beside each other."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    sampled_rows: int


class MissingnessData(_Value):
    """Cells without a value in each column; null afterwards where the column was dropped."""

    columns: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int | None, ...]
    rows: int


class MissingPatternsData(_Value):
    """Which columns miss values together, in the table as read."""

    columns: tuple[str, ...]
    """At most 30 columns that miss values, the emptiest first."""
    patterns: tuple[tuple[int, ...], ...]
    """At most 20 sets of columns, as places in `columns`, that are all without a value in some rows, the most frequent
    first."""
    counts: tuple[int, ...]
    """The rows in which exactly these columns of `columns` have no value."""
    complete: int
    """The rows in which all of `columns` have a value."""
    other: int
    """The rows with any other set."""


class AxisData(_Value):
    """An axis of a scatterplot."""

    kind: Literal["number", "time"] = "number"
    """The unit of the values: that of the column, or seconds since 1970."""
    whole: bool = False
    """True if the values are whole numbers."""
    scale: Literal["linear", "log"] = "linear"
    """The scale on which the values spread evenly enough to be seen."""


class ScatterData(_Value):
    """The values of two columns of the cleaned table, in at most 400 rows evenly spaced over those that have both."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    x_axis: AxisData
    y_axis: AxisData
    rows: int
    """The rows that have both values."""
    strength: float
    """The share of the order of one that the other explains: the square of Spearman's coefficient."""


class GroupedBoxplotData(_Value):
    """A box of the values of a column for each level of another one, in the cleaned table."""

    labels: tuple[str, ...]
    """At most 8 levels: ordered ones in their order, others by falling median."""
    boxes: tuple[BoxData, ...]
    """With at most 40 outliers each."""
    counts: tuple[int, ...]
    """The values in each box."""
    other: int
    """The values of all other levels."""
    kind: Literal["number", "time"] = "number"
    """The unit of the values: that of the column, or seconds since 1970."""
    whole: bool = False
    """True if the values are whole numbers."""
    strength: float
    """The share of the order of the values that the levels explain."""


class StackedBarData(_Value):
    """How often each level of a column occurs with each level of another one, in the cleaned table."""

    labels: tuple[str, ...]
    """At most 12 levels of the first column."""
    classes: tuple[str, ...]
    """At most 6 levels of the second column."""
    counts: tuple[tuple[int, ...], ...]
    """For each label, the rows with each class."""
    other: int
    """The rows with any other level."""
    strength: float
    """Cramér's V squared, without what chance makes of it."""


class TimelineData(_Value):
    """The values of a column over time, in the cleaned table: quartiles within each span of time."""

    edges: tuple[float, ...]
    """Where spans begin and end, in seconds since 1970."""
    counts: tuple[int, ...]
    """The rows in each span that have a value."""
    q1: tuple[float | None, ...]
    median: tuple[float | None, ...]
    """None for a span without a value, as the quartiles are."""
    q3: tuple[float | None, ...]
    whole: bool = False
    """True if the values are whole numbers."""


class ChartInfo(_Value):
    """A chart without its data."""

    graph_id: str
    """Unique within the dataset: the kind and the places of its columns in the decoded table."""
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


class MissingPatternsChart(ChartInfo):
    """Which columns miss values together."""

    kind: Literal["missing_patterns"]
    data: MissingPatternsData


class ScatterChart(ChartInfo):
    """How the values of two columns go together; its columns are those of x and y."""

    kind: Literal["scatter"]
    data: ScatterData


class GroupedBoxplotChart(ChartInfo):
    """How the values of a column differ between the levels of another one; its columns are values and levels."""

    kind: Literal["grouped_boxplot"]
    data: GroupedBoxplotData


class StackedBarChart(ChartInfo):
    """How the shares of one column's levels differ between those of another; its columns are labels and classes."""

    kind: Literal["stacked_bar"]
    data: StackedBarData


class TimelineChart(ChartInfo):
    """How the values of a column change over time; its columns are values and time."""

    kind: Literal["timeline"]
    data: TimelineData


AnyChart = (
    HistogramChart
    | BoxplotChart
    | CountplotChart
    | CorrelationChart
    | MissingnessChart
    | MissingPatternsChart
    | ScatterChart
    | GroupedBoxplotChart
    | StackedBarChart
    | TimelineChart
)
Chart = Annotated[AnyChart, Field(discriminator="kind")]
CHART: TypeAdapter[Chart] = TypeAdapter(Chart)
