"""Charts as data: bins, boxes and bars of known tables."""

import json
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from shared.contracts.charts import BoxplotChart, CountplotChart, HistogramChart, MissingnessChart
from shared.contracts.run_options import RunOptions
from tests.conformance.steps import BECAUSE, fill, outliers, recipe
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.recipe.steps import AnyStep, DropColumn
from worker_service.core.reporting.charts import AnyChart, Chart, build_charts
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


def drawn(table: pa.Table, *steps: AnyStep, **options: Any) -> dict[str, AnyChart]:
    frame = Frame.from_table(table)
    facts = profile(frame, target="none")
    plan = recipe(*propose(facts, RunOptions(**options)).steps) if not steps else recipe(*steps)
    charts = build_charts(facts, apply(plan, frame))
    adapter: TypeAdapter[AnyChart] = TypeAdapter(Chart)
    for chart in charts:
        assert adapter.validate_json(json.dumps(chart.model_dump(mode="json"), allow_nan=False)) == chart
    return {chart.graph_id: chart for chart in charts}


def test_every_suitable_column_has_its_charts() -> None:
    rows = range(40)
    table = pa.table(
        {
            "id": [f"K{row}" for row in rows],
            "number": [row % 17 + 0.5 for row in rows],
            "day": [f"2024-01-{row % 28 + 1:02d}" for row in rows],
            "color": [("red", "blue")[row % 2] for row in rows],
            "flag": [row % 3 == 0 for row in rows],
            "same": ["x" for _ in rows],
            "other": [row**2 % 13 for row in rows],
        }
    )
    assert list(drawn(table)) == [
        "timeline-2-3",
        "correlation",
        "missingness",
        *("histogram-2", "boxplot-2"),
        "histogram-3",
        "countplot-4",
        "countplot-5",
        *("histogram-7", "boxplot-7"),
    ]


def test_histogram_before_and_after_share_their_edges() -> None:
    charts = drawn(pa.table({"a": [1, 2, 2, 9, None]}), fill("a", "median", 2), outliers("a", "cap"))
    chart = charts["histogram-1"]
    assert isinstance(chart, HistogramChart)
    assert chart.data.edges == tuple(integer - 0.5 for integer in range(1, 11))
    assert chart.data.before == (1, 2, 0, 0, 0, 0, 0, 0, 1)
    assert chart.data.after == (0, 5, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "values", [[1e308, -1e308, 0.0], [5e-324, 0.0, 1e-300], [7.5] * 3, [1.5, None, None], [0.1] * 50 + [9e9]]
)
def test_histogram_counts_every_value(values: list[float | None]) -> None:
    chart = drawn(pa.table({"a": pa.array([*values, 3.25], pa.float64())}), fill("b", "mean", 1)).get("histogram-1")
    assert isinstance(chart, HistogramChart)
    assert sum(chart.data.before) == sum(chart.data.after) == len([value for value in values if value is not None]) + 1
    assert list(chart.data.edges) == sorted(set(chart.data.edges))


def test_time_histogram_is_in_seconds() -> None:
    chart = drawn(pa.table({"a": ["1970-01-01", "1970-01-02", "1970-01-03"]}))["histogram-1"]
    assert isinstance(chart, HistogramChart)
    assert (chart.data.axis, chart.data.edges[0], chart.data.edges[-1]) == ("time", 0.0, 259_200.0)


def test_boxplot_draws_few_of_many_outliers() -> None:
    values = [*range(1000), *range(10_000, 10_300)]
    chart = drawn(pa.table({"a": values}), fill("a", "mean", 1))["boxplot-1"]
    assert isinstance(chart, BoxplotChart)
    assert chart.data.before is not None
    assert chart.data.before == chart.data.after
    assert chart.data.before.outlier_count == 300
    assert len(chart.data.before.outliers) == 200
    assert (chart.data.before.outliers[0], chart.data.before.outliers[-1]) == (10_000, 10_299)
    assert (chart.data.before.whisker_low, chart.data.before.whisker_high) == (0, 999)


def test_boxplot_of_neighbours_beyond_exactness() -> None:
    chart = drawn(pa.table({"a": [9007199254740990, 9007199254740989]}), fill("a", "mean", 1))["boxplot-1"]
    assert isinstance(chart, BoxplotChart)
    assert chart.data.before is not None
    assert chart.data.before.outlier_count == 0


def test_capping_brings_outliers_nearer_to_the_box() -> None:
    values = [round(50 + (row * 37) % 100 / 7, 1) for row in range(300)] + [80.0, 95.5, 99.9, 3.3, 20.0]
    chart = drawn(pa.table({"a": values}), outlier_strategy="cap")["boxplot-1"]
    assert isinstance(chart, BoxplotChart)
    assert chart.data.before is not None
    assert chart.data.after is not None
    assert max(chart.data.before.outliers) == 99.9
    assert chart.data.after.whisker_high < max(chart.data.after.outliers) < 95


def test_charts_say_whether_values_are_whole() -> None:
    charts = drawn(pa.table({"a": range(5), "b": [0.5, 1.0, 2.0, 3.0, 4.0]}), fill("a", "mean", 1))
    assert [getattr(charts[name].data, "whole", None) for name in ("histogram-1", "boxplot-1", "boxplot-2")] == [
        True,
        True,
        False,
    ]


def test_countplot_shows_what_cleaning_introduced() -> None:
    cells = [f"level {row % 30:02d}" for row in range(90)] + [None]
    chart = drawn(pa.table({"a": cells}), fill("a", "constant", "missing"))["countplot-1"]
    assert isinstance(chart, CountplotChart)
    assert len(chart.data.labels) == 20
    assert (chart.data.labels[-1], chart.data.before[-1], chart.data.after[-1]) == ("missing", 0, 1)
    assert chart.data.other_before == chart.data.other_after == 33
    assert chart.data.distinct == 31


def test_a_dropped_column_has_nothing_afterwards() -> None:
    drop = DropColumn(kind="drop_column", phase="cleaning", column="a", **BECAUSE)
    charts = drawn(pa.table({"a": [1, None, 30], "b": [1, 2, 3]}), drop)
    histogram, missing = charts["histogram-1"], charts["missingness"]
    assert isinstance(histogram, HistogramChart)
    assert isinstance(missing, MissingnessChart)
    assert sum(histogram.data.after) == 0
    assert (missing.data.before, missing.data.after) == ((1, 0), (None, 0))


def test_two_digits_are_counted() -> None:
    charts = drawn(pa.table({"a": [0, 1, 1, 0, 1] * 20, "b": [float(row) for row in range(100)]}))
    counts = charts["countplot-1"]
    assert isinstance(counts, CountplotChart)
    assert counts.data.before == (60, 40)
    assert not {"histogram-1", "boxplot-1"} & set(charts)


def test_what_was_taken_for_missing_does_not_squash_the_rest() -> None:
    ages = [20 + row % 50 for row in range(200)] + [999] * 20
    chart = drawn(pa.table({"a": [str(age) for age in ages]}))["histogram-1"]
    assert isinstance(chart, HistogramChart)
    assert chart.data.outside == 20 and sum(chart.data.before) == 200
    assert chart.data.edges[-1] < 100
