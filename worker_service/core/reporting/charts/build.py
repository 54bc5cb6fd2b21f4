"""The choice of the charts of a dataset."""

from collections.abc import Iterator

from shared.contracts.charts import (
    AnyChart,
    BoxplotChart,
    BoxplotData,
    CorrelationChart,
    CorrelationData,
    CountplotChart,
    HistogramChart,
    MissingnessChart,
    MissingnessData,
)
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.reporting.charts.countplot import countplot
from worker_service.core.reporting.charts.distribution import box, histogram
from worker_service.core.stats.correlation import Correlation
from worker_service.core.stats.summary import Fences
from worker_service.core.table.frame import Column

_WITHOUT_CHART = ("constant", "identifier", "text", "empty")


def build_charts(profile: Profile, outcome: Outcome) -> tuple[AnyChart, ...]:
    """Return every chart of a dataset: column by column, then the correlations, then the missing cells.

    "Before" is the table as read, "after" the cleaned one. Constants, identifiers and free text have no chart.
    """
    charts: list[AnyChart] = []
    for facts in profile.columns:
        if facts.type in _WITHOUT_CHART:
            continue
        charts += _column_charts(facts, outcome.typed[facts.name], outcome.cleaned.columns.get(facts.name))
    if profile.correlation is not None:
        charts.append(_correlation_chart(profile.correlation))
    if profile.columns:
        charts.append(_missingness_chart(profile, outcome))
    return tuple(charts)


def _column_charts(facts: ColumnProfile, before: Column, after: Column | None) -> Iterator[AnyChart]:
    if _is_code(facts):
        yield _countplot(facts, before, after)
        return
    if before.is_number or before.is_timestamp:
        yield HistogramChart(
            graph_id=f"histogram-{facts.position}",
            kind="histogram",
            title=f"Distribution of {quoted(facts.name)}",
            columns=(facts.name,),
            data=histogram(before, after),
        )
    if before.is_number and facts.numbers is not None:
        yield BoxplotChart(
            graph_id=f"boxplot-{facts.position}",
            kind="boxplot",
            title=f"Spread of {quoted(facts.name)}",
            columns=(facts.name,),
            data=_boxplot(before, after, facts.numbers.iqr),
        )
    if before.is_text or before.is_boolean:
        yield _countplot(facts, before, after)


def _is_code(facts: ColumnProfile) -> bool:
    """Return True for two digits, as 0 and 1, which name something: they are counted, and have no spread."""
    if facts.type != "integer" or facts.numbers is None or facts.distinct > 2:
        return False
    low, high = facts.numbers.minimum, facts.numbers.maximum
    return low is not None and high is not None and low >= 0 and high <= 9


def _countplot(facts: ColumnProfile, before: Column, after: Column | None) -> CountplotChart:
    return CountplotChart(
        graph_id=f"countplot-{facts.position}",
        kind="countplot",
        title=f"Values of {quoted(facts.name)}",
        columns=(facts.name,),
        data=countplot(before, after),
    )


def _boxplot(before: Column, after: Column | None, fences: Fences) -> BoxplotData:
    cleaned = None if after is None else box(after, fences)
    return BoxplotData(before=box(before, fences), after=cleaned, whole=before.is_integer)


def _correlation_chart(correlation: Correlation) -> CorrelationChart:
    return CorrelationChart(
        graph_id="correlation",
        kind="correlation",
        title="Correlation of the numeric columns",
        columns=correlation.columns,
        data=CorrelationData(
            columns=correlation.columns, matrix=correlation.matrix, sampled_rows=correlation.sampled_rows
        ),
    )


def _missingness_chart(profile: Profile, outcome: Outcome) -> MissingnessChart:
    names = tuple(facts.name for facts in profile.columns)
    cleaned = outcome.cleaned.columns
    return MissingnessChart(
        graph_id="missingness",
        kind="missingness",
        title="Missing values",
        columns=names,
        data=MissingnessData(
            columns=names,
            before=tuple(facts.missing for facts in profile.columns),
            after=tuple(cleaned[name].missing if name in cleaned else None for name in names),
            rows=profile.rows,
        ),
    )
