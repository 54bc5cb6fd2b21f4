"""Charts as compact data: what the renderer draws, and what a front end can draw itself."""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from worker_service.core.correlation import Correlation
from worker_service.core.distinct import distinct
from worker_service.core.executor import Outcome
from worker_service.core.frame import Column
from worker_service.core.profile import ColumnProfile, Profile
from worker_service.core.rendering import render
from worker_service.core.statistics import FENCE_IQRS, Value, ordered, quantiles, runs
from worker_service.core.wording import quoted

MOST_OUTLIERS = 200
MOST_LABELS = 20
MOST_BINS = 40
_TICKS_PER_SECOND = 1_000_000


class Histogram(Value):
    """Counts between edges, of the values as read and as cleaned; `edges` has one element more."""

    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    axis: Literal["number", "time"]
    """What the edges are: values, or seconds since 1970."""


class Box(Value):
    """Whiskers end at the last values within 1.5 interquartile ranges of the quartiles; outliers lie beyond."""

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
    """Cells without a value in each column; a column that was dropped misses nothing afterwards."""

    columns: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
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


def draw_charts(profile: Profile, outcome: Outcome) -> tuple[AnyChart, ...]:
    """Every chart of a dataset: by column, then the correlations and what is missing.

    "Before" is the table as read, "after" the cleaned one. Constants, identifiers and free text have no chart.
    """
    charts: list[AnyChart] = []
    for facts in profile.columns:
        after = outcome.cleaned[facts.name] if facts.name in outcome.cleaned else None
        charts += _column_charts(facts, outcome.typed[facts.name], after)
    if profile.correlation is not None:
        charts.append(_correlation_chart(profile.correlation))
    if profile.columns:
        charts.append(_missingness_chart(profile, outcome))
    return tuple(charts)


def _column_charts(facts: ColumnProfile, before: Column, after: Column | None) -> Iterator[AnyChart]:
    names, title, place = (facts.name,), quoted(facts.name), facts.position
    if facts.type in ("integer", "decimal", "timestamp"):
        histogram = _histogram(before, after)
        yield HistogramChart(
            graph_id=f"histogram-{place}",
            kind="histogram",
            title=f"Distribution of {title}",
            columns=names,
            data=histogram,
        )
    if facts.type in ("integer", "decimal"):
        boxes = Boxplot(before=_box(before), after=None if after is None else _box(after))
        yield BoxplotChart(
            graph_id=f"boxplot-{place}", kind="boxplot", title=f"Spread of {title}", columns=names, data=boxes
        )
    if facts.type in ("category", "boolean"):
        counts = _countplot(before, after)
        yield CountplotChart(
            graph_id=f"countplot-{place}", kind="countplot", title=f"Values of {title}", columns=names, data=counts
        )


def _histogram(before: Column, after: Column | None) -> Histogram:
    values = before.derive(ordered)
    cleaned = values[:0] if after is None else after.derive(ordered)
    edges = _edges(values, cleaned)
    counts = _bin(values, edges)
    axis: Literal["number", "time"] = "time" if before.is_timestamp else "number"
    return Histogram(
        edges=tuple((edges / (_TICKS_PER_SECOND if before.is_timestamp else 1)).tolist()),
        before=counts,
        after=counts if after is before else _bin(cleaned, edges),
        axis=axis,
    )


def _edges(
    values: npt.NDArray[np.float64 | np.int64], cleaned: npt.NDArray[np.float64 | np.int64]
) -> npt.NDArray[np.float64]:
    """Bins by Freedman and Diaconis (1981), between 5 and 40 of them; one for each whole number where those are few."""
    filled = [part for part in (values, cleaned) if len(part)]
    if not filled:
        return np.zeros(0)
    low, high = float(min(part[0] for part in filled)), float(max(part[-1] for part in filled))
    if filled[0].dtype.kind == "i" and high - low < MOST_BINS:
        return np.arange(low - 0.5, high + 1)
    if low == high:
        margin = max(0.5, abs(low) * 1e-6)
        low, high = low - margin, high + margin
    ordinary = filled[0].astype(np.float64)
    q1, q3 = quantiles(ordinary, (0.25, 0.75))
    # The halves are taken first: the whole range may be larger than the largest double.
    width = 2 * (q3 / 2 - q1 / 2) / max(1, len(ordinary)) ** (1 / 3)
    bins = int(np.clip((high / 2 - low / 2) / width, 5, MOST_BINS)) if width > 0 else MOST_BINS // 2
    return np.unique(np.linspace(low / bins, high / bins, bins + 1) * bins)


def _bin(values: npt.NDArray[np.float64 | np.int64], edges: npt.NDArray[np.float64]) -> tuple[int, ...]:
    if len(edges) < 2:
        return ()
    places = np.searchsorted(values, edges, side="left")
    places[0], places[-1] = 0, len(values)
    return tuple(np.diff(places).tolist())


def _box(column: Column) -> Box | None:
    return column.derive(_draw_box)


def _draw_box(column: Column) -> Box | None:
    values = column.derive(ordered).astype(np.float64, copy=False)
    if not len(values):
        return None
    with np.errstate(over="ignore"):
        q1, median, q3 = quantiles(values, (0.25, 0.5, 0.75))
        reach = FENCE_IQRS * (q3 - q1)
        below = int(np.searchsorted(values, q1 - reach, side="left"))
        above = int(np.searchsorted(values, q3 + reach, side="right"))
    outside = np.concatenate((values[:below], values[above:]))
    chosen = np.linspace(0, len(outside) - 1, min(MOST_OUTLIERS, len(outside))).astype(np.int64)
    return Box(
        whisker_low=float(values[below]),
        q1=q1,
        median=median,
        q3=q3,
        whisker_high=float(values[above - 1]),
        outliers=tuple(outside[chosen].tolist()),
        outlier_count=len(outside),
    )


def _countplot(before: Column, after: Column | None) -> Countplot:
    counts = before.derive(_counts)
    cleaned = {} if after is None else after.derive(_counts)
    labels = sorted(counts, key=lambda label: -counts[label])
    labels = (labels + [label for label in cleaned if label not in counts])[:MOST_LABELS]
    # A value that cleaning introduced, such as the word for missing, is worth more than the rarest one.
    introduced = [label for label in cleaned if label not in counts and label not in labels]
    labels = labels[: MOST_LABELS - len(introduced)] + introduced[:MOST_LABELS]
    shown_before = tuple(counts.get(label, 0) for label in labels)
    shown_after = tuple(cleaned.get(label, 0) for label in labels)
    return Countplot(
        labels=tuple(labels),
        before=shown_before,
        after=shown_after,
        other_before=sum(counts.values()) - sum(shown_before),
        other_after=sum(cleaned.values()) - sum(shown_after),
        distinct=len(counts.keys() | cleaned.keys()),
    )


def _counts(column: Column) -> dict[str, int]:
    if column.is_number:
        found = column.derive(runs)
        return dict(zip(map(str, found.values.tolist()), found.counts.tolist(), strict=True))
    levels = column.derive(distinct)
    return dict(zip(render(levels.values).to_pylist(), levels.counts.tolist(), strict=True))


def _correlation_chart(found: Correlation) -> CorrelationChart:
    data = CorrelationMatrix(columns=found.columns, matrix=found.matrix, sampled_rows=found.sampled_rows)
    return CorrelationChart(
        graph_id="correlation",
        kind="correlation",
        title="Correlation of the numeric columns",
        columns=found.columns,
        data=data,
    )


def _missingness_chart(profile: Profile, outcome: Outcome) -> MissingnessChart:
    names = tuple(facts.name for facts in profile.columns)
    cleaned = outcome.cleaned
    data = Missingness(
        columns=names,
        before=tuple(facts.missing for facts in profile.columns),
        after=tuple(cleaned[name].missing if name in cleaned else 0 for name in names),
        rows=profile.rows,
    )
    return MissingnessChart(
        graph_id="missingness", kind="missingness", title="Missing values", columns=names, data=data
    )
