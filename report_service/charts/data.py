"""A chart as the worker wrote it into `charts.json`: data, no picture."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class HistogramData(_Value):
    """Counts between edges; `edges` has one element more than the counts."""

    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    axis: Literal["number", "time"] = "number"
    """What the edges are: values, or seconds since 1970."""
    whole: bool = False
    """Whether the values are whole numbers."""


class BoxData(_Value):
    """The five numbers of a box plot, and a sample of what lies outside the whiskers."""

    whisker_low: float
    q1: float
    median: float
    q3: float
    whisker_high: float
    outliers: tuple[float, ...]
    outlier_count: int


class BoxplotData(_Value):
    """One box per table; None where the column has no values in it."""

    before: BoxData | None
    after: BoxData | None
    whole: bool = False
    """Whether the values are whole numbers."""


class CountplotData(_Value):
    """How often the most frequent values occur, and all the others together."""

    labels: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    other_before: int
    other_after: int
    distinct: int


class CorrelationData(_Value):
    """A symmetric matrix from -1 to 1; None where a coefficient is undefined."""

    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    sampled_rows: int


class MissingnessData(_Value):
    """Cells without a value for each column, among `rows` rows; None afterwards where the column was dropped."""

    columns: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int | None, ...]
    rows: int


class _Chart(_Value):
    graph_id: str
    title: str
    columns: tuple[str, ...]


class HistogramChart(_Chart):
    """How the values of a numeric or date column are distributed."""

    kind: Literal["histogram"]
    data: HistogramData


class BoxplotChart(_Chart):
    """Quartiles, whiskers and outliers of a numeric column."""

    kind: Literal["boxplot"]
    data: BoxplotData


class CountplotChart(_Chart):
    """How often each value of a categorical column occurs."""

    kind: Literal["countplot"]
    data: CountplotData


class CorrelationChart(_Chart):
    """Pearson's correlation between numeric columns."""

    kind: Literal["correlation"]
    data: CorrelationData


class MissingnessChart(_Chart):
    """How much each column misses."""

    kind: Literal["missingness"]
    data: MissingnessData


Chart = Annotated[
    HistogramChart | BoxplotChart | CountplotChart | CorrelationChart | MissingnessChart, Field(discriminator="kind")
]
CHART: TypeAdapter[Chart] = TypeAdapter(Chart)
