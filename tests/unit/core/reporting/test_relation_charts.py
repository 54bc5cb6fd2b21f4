"""Charts of two columns, and of what is missing together."""

from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.charts import (
    AnyChart,
    BoxplotChart,
    CorrelationChart,
    GroupedBoxplotChart,
    MissingPatternsChart,
    ScatterChart,
    StackedBarChart,
    TimelineChart,
)
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import ChartKind
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.reporting.charts import build_charts
from worker_service.core.reporting.charts.pairs import group_strength, level_strength, rank_strength
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROWS = 400
RANDOM = np.random.default_rng(5)
SIZE = RANDOM.normal(100, 20, ROWS).round(1)
NOISE = RANDOM.normal(0, 1, ROWS).round(2)
CITY = RANDOM.choice(["Bonn", "Oslo", "Rome"], ROWS)


def drawn(columns: dict[str, Any], target: str = "none", **options: Any) -> dict[str, AnyChart]:
    frame = Frame.from_table(pa.table(columns))
    facts = profile(frame, target=target)
    charts = build_charts(facts, apply(propose(facts, RunOptions(**options)), frame))
    return {chart.graph_id: chart for chart in charts}


def test_every_kind_of_chart_is_in_the_vocabulary() -> None:
    kinds = [get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(AnyChart)]
    assert sorted(kinds) == sorted(get_args(ChartKind))


def test_features_are_drawn_against_a_target_of_numbers_the_strongest_first() -> None:
    price = (SIZE * 1000 + (CITY == "Rome") * 15_000 + NOISE * 5000).round()
    other = np.random.default_rng(6).normal(size=ROWS)
    charts = drawn({"other": other, "city": CITY, "size": SIZE, "price": price}, target="price")
    assert list(charts)[:4] == ["histogram-4", "boxplot-4", "scatter-3-4", "grouped_boxplot-4-2"]
    scatter, boxes = charts["scatter-3-4"], charts["grouped_boxplot-4-2"]
    assert isinstance(scatter, ScatterChart)
    assert isinstance(boxes, GroupedBoxplotChart)
    assert (scatter.columns, scatter.data.rows, len(scatter.data.x)) == (("size", "price"), ROWS, 400)
    assert scatter.data.strength > 0.7
    assert boxes.data.labels[0] == "Rome"
    assert sum(boxes.data.counts) == ROWS
    assert not any("other" in chart.columns for chart in charts.values() if chart.kind == "scatter")


def test_features_are_drawn_against_a_target_of_classes() -> None:
    target = np.where(SIZE + NOISE * 5 > 105, "yes", "no")
    likely = np.where((target == "yes") ^ (RANDOM.random(ROWS) < 0.2), "a", "b")
    charts = drawn({"size": SIZE, "level": likely, "y": target}, target="y")
    boxes, bars = charts["grouped_boxplot-1-3"], charts["stacked_bar-2-3"]
    assert isinstance(boxes, GroupedBoxplotChart)
    assert isinstance(bars, StackedBarChart)
    assert set(bars.data.classes) == {"yes", "no"}
    assert sum(map(sum, bars.data.counts)) + bars.data.other == ROWS


def test_cells_that_were_filled_are_no_points() -> None:
    price = (SIZE * 1000 + NOISE * 3000).round()
    gaps = [None if row % 7 == 3 else value for row, value in enumerate(SIZE.tolist())]
    scatter = drawn({"size": gaps, "price": price}, target="price", fill="all")["scatter-1-2"]
    assert isinstance(scatter, ScatterChart)
    assert scatter.data.rows == sum(value is not None for value in gaps)


def test_the_strongest_pairs_have_a_scatterplot() -> None:
    charts = drawn({"a": SIZE, "b": SIZE + NOISE * 4, "c": NOISE, "d": SIZE * 2})
    assert [name for name in charts if name.startswith("scatter")] == ["scatter-1-2", "scatter-2-4"]


def test_values_over_time() -> None:
    days = np.datetime64("2024-01-01") + np.arange(ROWS)
    chart = drawn({"day": [str(day) for day in days], "size": SIZE})["timeline-2-1"]
    assert isinstance(chart, TimelineChart)
    assert sum(chart.data.counts) == ROWS
    assert len(chart.data.edges) == len(chart.data.counts) + 1
    for q1, median, q3 in zip(chart.data.q1, chart.data.median, chart.data.q3, strict=True):
        assert q1 is not None
        assert median is not None
        assert q3 is not None
        assert q1 <= median <= q3


def test_columns_that_miss_values_together() -> None:
    both = [None if row % 10 == 0 else row % 3 for row in range(ROWS)]
    alone = [None if row % 10 == 5 and row < 100 else row % 5 for row in range(ROWS)]
    chart = drawn({"a": both, "b": both[::-1][::-1], "c": alone, "d": list(range(ROWS))})["missing_patterns"]
    assert isinstance(chart, MissingPatternsChart)
    assert chart.data.columns == ("a", "b", "c")
    assert (chart.data.patterns, chart.data.counts) == (((0, 1), (2,)), (40, 10))
    assert (chart.data.complete, chart.data.other) == (ROWS - 50, 0)


def test_columns_that_go_together_stand_beside_each_other() -> None:
    charts = drawn({"a": SIZE, "x": NOISE, "b": SIZE + NOISE, "y": NOISE**3, "c": SIZE * 2 + NOISE})
    chart = charts["correlation"]
    assert isinstance(chart, CorrelationChart)
    order = "".join(chart.columns)
    assert {"a", "b", "c"} in (set(order[:3]), set(order[-3:]))
    assert all(chart.data.matrix[index][index] == 1 for index in range(5))
    row, column = order.index("a"), order.index("x")
    assert chart.data.matrix[row][column] == pytest.approx(np.corrcoef(SIZE, NOISE)[0, 1], abs=1e-6)


def test_codes_for_missing_do_not_stretch_a_box() -> None:
    ages = [999 if row % 40 == 0 else 20 + row % 60 for row in range(ROWS)]
    chart = drawn({"id": [f"K{row}" for row in range(ROWS)], "age": ages})["boxplot-2"]
    assert isinstance(chart, BoxplotChart)
    assert chart.data.outside == 10
    assert chart.data.before is not None
    assert max(chart.data.before.whisker_high, *chart.data.before.outliers, 0) < 100


def test_strength_is_from_nothing_to_everything() -> None:
    codes = RANDOM.integers(0, 4, 2000)
    other, values = RANDOM.integers(0, 4, 2000), RANDOM.normal(size=2000)
    for chance in (level_strength(codes, other), group_strength(values, codes), rank_strength(values, values[::-1])):
        assert 0 <= chance < 0.01
    assert level_strength(codes, codes) == pytest.approx(1)
    assert rank_strength(values, -np.exp(values)) == pytest.approx(1)
    assert group_strength(codes.astype(float), codes) == pytest.approx(1)
    assert level_strength(codes, codes * 0) == group_strength(values, codes * 0) == 0
    assert rank_strength(values, values * 0) == 0


def test_columns_that_were_changed_come_before_others() -> None:
    gaps = [None if row % 3 == 0 else value for row, value in enumerate(NOISE.tolist())]
    charts = [name for name in drawn({"a": SIZE, "b": gaps}, fill="all") if name.startswith("histogram")]
    assert charts == ["histogram-2", "histogram-1"]


def test_columns_that_are_not_read_have_no_relations() -> None:
    frame = Frame.from_table(pa.table({"a": [f"{value}" for value in SIZE], "y": [f"{value * 2}" for value in SIZE]}))
    facts = profile(frame, target="y")
    steps = propose(facts, RunOptions())
    unread = steps.model_copy(update={"steps": tuple(step for step in steps.steps if "a" not in step.columns)})
    charts = build_charts(facts, apply(unread, frame))
    assert not {chart.kind for chart in charts} & {"scatter", "grouped_boxplot", "stacked_bar", "timeline"}
