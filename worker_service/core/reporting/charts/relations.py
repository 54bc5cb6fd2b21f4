"""The choice of charts of two columns: features against the target, the strongest pairs, and values over time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.charts import AnyChart, GroupedBoxplotChart, ScatterChart, StackedBarChart, TimelineChart
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import quoted
from worker_service.core.profile import Profile
from worker_service.core.reporting.charts.pairs import (
    grouped_boxplot,
    is_level,
    is_measure,
    scatter,
    stacked_bar,
    strength,
)
from worker_service.core.reporting.charts.timeline import timeline
from worker_service.core.table.frame import Column, Frame

MOST_FEATURES = 8
WEAKEST_FEATURE = 0.02
"""From this share of the target on that a feature explains, the two have a chart."""
MOST_PAIRS = 4
WEAKEST_PAIR, STRONGEST_PAIR = 0.5, 0.999
"""The absolute correlations between which a pair is looked at; beyond, the two are the same."""
MOST_TIMELINES = 3


@dataclass(frozen=True)
class RelationCharts:
    """Charts of two columns, and how strongly each column goes together with the target."""

    of_target: tuple[AnyChart, ...]
    """The strongest feature first."""
    over_time: tuple[AnyChart, ...]
    of_pairs: tuple[AnyChart, ...]
    strengths: Mapping[str, float]
    """By column, from 0 to 1; empty without a target."""


def relation_charts(profile: Profile, cleaned: Frame) -> RelationCharts:
    """Return the charts of two columns of the cleaned table that have something to show.

    Cells that were filled are left out: what they were filled by would look like a relation.
    """
    cleaned = _without_filled(cleaned)
    columns = {facts.name: facts for facts in profile.columns if _is_comparable(facts, cleaned)}
    target = columns.get(profile.target.column or "")
    strengths = {} if target is None else _strengths(target, columns, cleaned)
    features = sorted(strengths, key=lambda name: -strengths[name])[:MOST_FEATURES]
    of_target = [
        chart
        for name in features
        if target is not None and strengths[name] >= WEAKEST_FEATURE
        if (chart := _chart(columns[name], target, cleaned)) is not None
    ]
    has_chart = {frozenset(chart.columns) for chart in of_target}
    return RelationCharts(
        of_target=tuple(of_target),
        over_time=tuple(_timelines(profile, columns, strengths, cleaned)),
        of_pairs=tuple(_pairs(profile, columns, cleaned, has_chart)),
        strengths=strengths,
    )


def _without_filled(frame: Frame) -> Frame:
    columns = {}
    for name in set(frame.filled) & set(frame.names):
        is_filled = np.isin(frame.row_numbers, frame.filled[name])
        array = frame[name].array
        columns[name] = Column(pc.if_else(pa.array(is_filled), pa.scalar(None, array.type), array))
    return frame.with_columns(columns)


def _is_comparable(facts: ColumnProfile, frame: Frame) -> bool:
    """Return True unless nothing can be compared, or the column is not read as what the profile says of it."""
    column = frame.columns.get(facts.name)
    return column is not None and (is_measure(facts, column) or is_level(facts, column))


def _strengths(target: ColumnProfile, columns: Mapping[str, ColumnProfile], cleaned: Frame) -> dict[str, float]:
    return {
        name: strength((facts, target), (cleaned[name], cleaned[target.name]))
        for name, facts in columns.items()
        if name != target.name and facts.duplicate_of != target.name
    }


def _chart(feature: ColumnProfile, target: ColumnProfile, cleaned: Frame) -> AnyChart | None:
    """Return the chart of a feature and the target, whose form follows from the types of both."""
    is_feature, is_target = (is_measure(facts, cleaned[facts.name]) for facts in (feature, target))
    if is_feature and is_target:
        return _scatter(feature, target, cleaned)
    if is_feature:
        return _grouped_boxplot(feature, target, cleaned)
    if is_target:
        return _grouped_boxplot(target, feature, cleaned)
    return _stacked_bar(feature, target, cleaned)


def _scatter(x: ColumnProfile, y: ColumnProfile, cleaned: Frame) -> ScatterChart | None:
    points = scatter(cleaned[x.name], cleaned[y.name])
    if points is None:
        return None
    return ScatterChart(
        graph_id=_graph_id("scatter", x, y),
        kind="scatter",
        title=f"{quoted(y.name)} against {quoted(x.name)}",
        columns=(x.name, y.name),
        data=points,
    )


def _grouped_boxplot(values: ColumnProfile, groups: ColumnProfile, cleaned: Frame) -> GroupedBoxplotChart | None:
    boxes = grouped_boxplot(cleaned[values.name], cleaned[groups.name])
    if boxes is None:
        return None
    return GroupedBoxplotChart(
        graph_id=_graph_id("grouped_boxplot", values, groups),
        kind="grouped_boxplot",
        title=f"{quoted(values.name)} by {quoted(groups.name)}",
        columns=(values.name, groups.name),
        data=boxes,
    )


def _stacked_bar(labels: ColumnProfile, classes: ColumnProfile, cleaned: Frame) -> StackedBarChart | None:
    bars = stacked_bar(cleaned[labels.name], cleaned[classes.name])
    if bars is None:
        return None
    return StackedBarChart(
        graph_id=_graph_id("stacked_bar", labels, classes),
        kind="stacked_bar",
        title=f"{quoted(classes.name)} by {quoted(labels.name)}",
        columns=(labels.name, classes.name),
        data=bars,
    )


def _pairs(
    profile: Profile, columns: Mapping[str, ColumnProfile], cleaned: Frame, shown: set[frozenset[str]]
) -> Iterator[AnyChart]:
    """Yield scatterplots of the pairs of columns with the strongest correlation."""
    correlation = profile.correlation
    if correlation is None:
        return
    pairs = [
        (abs(r), other, name)
        for index, name in enumerate(correlation.columns)
        for other, r in zip(correlation.columns[:index], correlation.matrix[index], strict=False)
        if r is not None and WEAKEST_PAIR <= abs(r) <= STRONGEST_PAIR and correlation.is_significant(r)
    ]
    measures = {name for name, facts in columns.items() if is_measure(facts, cleaned[name])} - {profile.target.column}
    strongest = [
        (x, y)
        for _, x, y in sorted(pairs, key=lambda pair: -pair[0])
        if {x, y} <= measures and frozenset((x, y)) not in shown
    ]
    for x, y in strongest[:MOST_PAIRS]:
        chart = _scatter(columns[x], columns[y], cleaned)
        # A coefficient may be that of a few extreme values, of which the order knows nothing.
        if chart is not None and chart.data.strength >= WEAKEST_PAIR**2 / 2:
            yield chart


def _timelines(
    profile: Profile, columns: Mapping[str, ColumnProfile], strengths: Mapping[str, float], cleaned: Frame
) -> Iterator[AnyChart]:
    """Yield the values over time: of the target, and of what goes together with it or comes first."""
    measures = [facts for facts in columns.values() if is_measure(facts, cleaned[facts.name])]
    moments = [facts for facts in measures if facts.type == "timestamp"]
    time = next((facts for facts in moments if facts.name == profile.time_column), None) or next(iter(moments), None)
    if time is None:
        return
    numbers = [facts for facts in measures if facts.type != "timestamp"]
    target = profile.target.column
    by_interest = sorted(numbers, key=lambda facts: (facts.name != target, -strengths.get(facts.name, 0.0)))
    for facts in by_interest[:MOST_TIMELINES]:
        line = timeline(cleaned[facts.name], cleaned[time.name])
        if line is not None:
            yield TimelineChart(
                graph_id=_graph_id("timeline", facts, time),
                kind="timeline",
                title=f"{quoted(facts.name)} over time",
                columns=(facts.name, time.name),
                data=line,
            )


def _graph_id(kind: str, *columns: ColumnProfile) -> str:
    return "-".join([kind, *(str(facts.position) for facts in columns)])
