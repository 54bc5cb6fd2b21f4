"""The choice of the charts of a dataset."""

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from shared.contracts.charts import (
    AnyChart,
    BoxplotChart,
    CorrelationChart,
    CorrelationData,
    CountplotChart,
    HistogramChart,
    MissingnessChart,
    MissingnessData,
    MissingPatternsChart,
)
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.reporting.charts.countplot import countplot
from worker_service.core.reporting.charts.distribution import boxplot, histogram
from worker_service.core.reporting.charts.missing_patterns import missing_patterns
from worker_service.core.reporting.charts.relations import relation_charts
from worker_service.core.stats.correlation import Correlation
from worker_service.core.table.frame import Column

_MOST_ORDERED = 100
"""The best order of more columns would take too long."""
_WITHOUT_CHART = ("constant", "identifier", "text", "empty")


def build_charts(profile: Profile, outcome: Outcome) -> tuple[AnyChart, ...]:
    """Return every chart of a dataset, the most interesting first.

    First come the target and what goes together with it, then values over time, the strongest pairs of columns and
    what is missing, then the columns: those that were changed most, or tell most about the target. "Before" is the
    table as read, "after" the cleaned one. Constants, identifiers and free text have no chart.
    """
    relations = relation_charts(profile, outcome.cleaned)
    target = profile.target.column
    interest = {
        facts.name: relations.strengths.get(facts.name, 0.0) + _share_changed(facts.name, outcome)
        for facts in profile.columns
    }
    by_interest = sorted(profile.columns, key=lambda facts: -interest[facts.name])
    of_columns = {facts.name: _column_charts(facts, outcome) for facts in by_interest}
    charts = [*of_columns.pop(target or "", ()), *relations.of_target, *relations.over_time, *relations.of_pairs]
    if profile.correlation is not None:
        charts.append(_correlation_chart(profile.correlation))
    if profile.columns:
        charts.append(_missingness_chart(profile, outcome))
        charts += _missing_patterns_charts(profile, outcome)
    return (*charts, *(chart for some in of_columns.values() for chart in some))


def _share_changed(name: str, outcome: Outcome) -> float:
    """Return the share of the cells of a column that have another value after the cleaning; 0 if rows were removed."""
    before, after = outcome.typed[name], outcome.cleaned.columns.get(name)
    if after is before or (after is not None and len(after) != len(before)):
        return 0.0
    if after is None or not (after.type == before.type or (after.is_number and before.is_number)):
        return 1.0
    is_same = pc.equal(before.array, after.array).fill_null(False)
    are_missing = pc.and_(before.array.is_null(), after.array.is_null())
    return 1 - float(pc.sum(pc.or_(is_same, are_missing)).as_py() or 0) / max(1, len(before))


def _column_charts(facts: ColumnProfile, outcome: Outcome) -> tuple[AnyChart, ...]:
    before, after = outcome.typed[facts.name], outcome.cleaned.columns.get(facts.name)
    return () if facts.type in _WITHOUT_CHART else tuple(_charts_of_type(facts, before, after))


def _charts_of_type(facts: ColumnProfile, before: Column, after: Column | None) -> Iterator[AnyChart]:
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
            data=boxplot(before, after, facts.numbers.iqr),
        )
    # Of numbers that stay text, as those of a target with words among them, each writing would be a bar.
    if (before.is_text and facts.storage == "text") or before.is_boolean:
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


def _correlation_chart(correlation: Correlation) -> CorrelationChart:
    order = _cluster(correlation)
    names = tuple(correlation.columns[index] for index in order)
    return CorrelationChart(
        graph_id="correlation",
        kind="correlation",
        title="Correlation of the numeric columns",
        columns=names,
        data=CorrelationData(
            columns=names,
            matrix=tuple(tuple(correlation.matrix[row][column] for column in order) for row in order),
            sampled_rows=correlation.sampled_rows,
        ),
    )


def _cluster(correlation: Correlation) -> list[int]:
    """Return the order of the columns in which those that go together stand beside each other.

    Source:
        Bar-Joseph, Gifford & Jaakkola (2001). Fast optimal leaf ordering for hierarchical clustering.
    """
    if len(correlation.columns) < 3:
        return list(range(len(correlation.columns)))
    matrix = np.array([[r or 0.0 for r in row] for row in correlation.matrix], dtype=np.float64)
    distances = 1 - np.abs(np.clip(matrix + matrix.T, -2, 2)) / 2
    np.fill_diagonal(distances, 0.0)
    tree = hierarchy.linkage(
        squareform(distances, checks=False), "average", optimal_ordering=len(matrix) <= _MOST_ORDERED
    )
    return [int(leaf) for leaf in hierarchy.leaves_list(tree)]


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


def _missing_patterns_charts(profile: Profile, outcome: Outcome) -> Iterator[MissingPatternsChart]:
    data = missing_patterns(outcome.typed, [facts.name for facts in profile.columns])
    if data is not None:
        yield MissingPatternsChart(
            graph_id="missing_patterns",
            kind="missing_patterns",
            title="Values missing together",
            columns=data.columns,
            data=data,
        )
