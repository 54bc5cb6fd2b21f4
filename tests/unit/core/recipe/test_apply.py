"""Each kind of step does what its sentence says."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_result import StepResult
from tests.conformance.steps import BECAUSE, fill, outliers, read, recipe
from worker_service.core.parsing import ReadInteger, ReadText
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.steps import (
    AnyStep,
    Bin,
    DateParts,
    DropColumn,
    FillByLevel,
    Flag,
    LabelEncode,
    NumberRows,
    OneHot,
    PowerTransform,
    Ratio,
    Scale,
    TextComponents,
    TimeDifference,
    WasMissing,
)
from worker_service.core.table.frame import Frame


def outcome(table: dict[str, Any], *steps: AnyStep, target: str | None = None) -> Outcome:
    return apply(recipe(*steps, target=target), Frame.from_table(pa.table(table)))


def apply_single(table: dict[str, Any], step: AnyStep, **options: Any) -> tuple[dict[str, Any], StepResult]:
    """Return the engineered table and the result after a single step."""
    after = outcome(table, step, **options)
    return after.engineered.to_table().to_pydict(), after.results[0]


def test_read() -> None:
    spec = ReadInteger(kind="integer", missing=("N/A",))
    table, result = apply_single({"a": ["1,540", "N/A", "3"]}, read("a", spec))
    assert table == {"a": [1540, None, 3]}
    assert result.cells_changed == 2
    assert result.why == (
        "Read “a” as whole numbers, which changed how 1 cell is written, “1,540”, now 1540; "
        "took 1 cell, “N/A”, for missing. The test says so."
    )


def test_read_null_words() -> None:
    table, result = apply_single({"a": ["", "x"]}, read("a", ReadText(kind="text", missing=("",))))
    assert table == {"a": [None, "x"]}
    assert result.what == "Took 1 empty cell of “a” for missing."


def test_read_distinguishes_masked_and_rewritten_cells() -> None:
    spec = ReadInteger(kind="integer", missing=("", "-", "n/a"))
    _, result = apply_single({"a": ["-", "n/a", "", "1", None]}, read("a", spec))
    assert result.what == "Read “a” as whole numbers; took 3 cells, “-”, “n/a” and empty ones, for missing."
    spec = ReadInteger(kind="integer")
    _, result = apply_single({"a": ["+1", "+2", "x"]}, read("a", spec))
    assert result.what == (
        "Read “a” as whole numbers, which changed how 2 cells are written, such as “+1”, now 1; "
        "1 cell that does not fit became missing."
    )


@pytest.mark.parametrize(
    ("cells", "method", "value", "expected", "what"),
    [
        ([1.0, None], "mean", 1.5, [1.0, 1.5], "Filled 1 missing cell of “a” with the mean, 1.5."),
        ([1, None, None], "median", 3.0, [1, 3, 3], "Filled 2 missing cells of “a” with the median, 3."),
        (
            ["x", None],
            "constant",
            "gone",
            ["x", "gone"],
            "Filled 1 missing cell of “a” with the word “gone”.",
        ),
        ([True, None], "mode", True, [True, True], "Filled 1 missing cell of “a” with the most frequent value, true."),
        (
            [None, 1, None, 2, None],
            "forward_fill",
            None,
            [1, 1, 1, 2, 2],
            "Filled 3 missing cells of “a” with the last known value before each.",
        ),
    ],
)
def test_fill(cells: list[Any], method: str, value: Any, expected: list[Any], what: str) -> None:
    table, result = apply_single({"a": cells}, fill("a", method, value))
    assert table == {"a": expected}
    assert result.what == what
    assert result.cells_changed == cells.count(None)


@pytest.mark.parametrize(
    ("cells", "value", "why"),
    [
        ([1, None], 2.5, "Skipped: 2.5 is no value for “a”, which holds int64."),
        ([1, None], "x", "Skipped: 'x' is no value for “a”, which holds int64."),
        ([1, None], True, "Skipped: True is no value for “a”, which holds int64."),
        ([1, None], 10**30, f"Skipped: {10**30} is too large for “a”."),
        ([1, 2], 3, "Skipped: No cell of “a” is missing."),
        (pa.nulls(2), "x", "Skipped: “a” has no value to go by."),
    ],
)
def test_fill_refuses(cells: Any, value: Any, why: str) -> None:
    _, result = apply_single({"a": cells}, fill("a", "constant", value))
    assert (result.state, result.why) == ("skipped", why)


@pytest.mark.parametrize(
    ("strategy", "expected", "what"),
    [
        ("cap", [2, 2, 2, None], "Moved 2 values (66.7 %) of “a” outside 1.5 to 2.5 to the nearer end of that range."),
        ("median", [2, 2, 2, None], "Replaced 2 values (66.7 %) of “a” outside 1.5 to 2.5 by the median, 2."),
        ("remove", [2, None], "Removed the 2 rows in which “a” lies outside 1.5 to 2.5."),
        ("flag", [1, 2, 9, None], "Left 2 values (66.7 %) of “a” outside 1.5 to 2.5 as they are."),
    ],
)
def test_outliers(strategy: str, expected: list[int], what: str) -> None:
    table, result = apply_single({"a": [1, 2, 9, None]}, outliers("a", strategy))
    assert table == {"a": expected}
    assert result.what == what
    assert (result.outliers, round(result.outlier_share, 3)) == (2, 0.667)
    assert result.rows_removed == (2 if strategy == "remove" else 0)
    assert result.state == ("flagged" if strategy == "flag" else "applied")


def test_outliers_on_a_single_side_name_it() -> None:
    _, result = apply_single({"a": [2, 2, 9]}, outliers("a", "cap"))
    assert result.what == "Moved 1 value (33.3 %) of “a” above 2.5 down to it."
    _, result = apply_single({"a": [1, 2, 2]}, outliers("a", "remove"))
    assert result.what == "Removed the row in which “a” lies below 1.5."


def test_large_integers_beside_outliers_stay_exact() -> None:
    exact = 2**53 + 1
    table, _ = apply_single({"a": [exact, -5]}, outliers("a", "cap", lower=0, upper=1e17))
    assert table == {"a": [exact, 0]}


def test_removing_every_row_is_refused() -> None:
    table, result = apply_single({"a": [1, 9]}, outliers("a", "remove"))
    assert (table, result.state) == ({"a": [1, 9]}, "skipped")


@pytest.mark.parametrize("phase", ["cleaning", "features"])
def test_leaving_no_column_is_refused(phase: Any) -> None:
    after = outcome({"a": [None, None]}, DropColumn(kind="drop_column", phase=phase, column="a", **BECAUSE))
    assert after.results[0].why == "Skipped: No column would be left."
    assert after.cleaned.shape == after.engineered.shape == (2, 1)


def test_number_rows_as_the_ledger_does() -> None:
    step = NumberRows(kind="number_rows", name="row", **BECAUSE)
    after = outcome({"a": [2, 9, 2]}, outliers("a", "remove"), step)
    assert after.engineered["row"].array.to_pylist() == [1, 3]
    assert after.results[1].what == "Added “row”: the number of each row in the uploaded table, from 1."


def test_one_hot_and_label_encode() -> None:
    cells = ["x", "y", "z", None]
    step = OneHot(kind="one_hot", column="a", levels=("x", "y"), names=("a_x", "a_y"), **BECAUSE)
    table, result = apply_single({"a": cells}, step)
    assert table == {"a_x": [1, 0, 0, 0], "a_y": [0, 1, 0, 0]}
    assert result.outputs == ("a_x", "a_y")
    labels = LabelEncode(kind="label_encode", column="a", levels=("x", "y"), **BECAUSE)
    assert apply_single({"a": cells}, labels)[0] == {"a": [0, 1, -1, None]}
    booleans = LabelEncode(kind="label_encode", column="a", levels=("false", "true"), **BECAUSE)
    assert apply_single({"a": [True, False, None]}, booleans)[0] == {"a": [1, 0, None]}


def test_names_that_exist_are_refused() -> None:
    step = OneHot(kind="one_hot", column="a", levels=("x",), names=("b",), **BECAUSE)
    _, result = apply_single({"a": ["x"], "b": [1]}, step)
    assert result.why == "Skipped: There is a column “b” already."


def test_scale_bin_and_ratio() -> None:
    scale = Scale(kind="scale", column="a", method="standard", center=2.0, divisor=2.0, **BECAUSE)
    assert apply_single({"a": [2, 6, None]}, scale)[0] == {"a": [0.0, 2.0, None]}
    bins = Bin(kind="bin", column="a", edges=(2.0, 4.0), name="a_bin", **BECAUSE)
    assert apply_single({"a": [1, 2, 5, None]}, bins)[0]["a_bin"] == [0, 1, 2, None]
    ratio = Ratio(kind="ratio", numerator="a", denominator="b", name="r", **BECAUSE)
    assert apply_single({"a": [1, 3], "b": [2, None]}, ratio)[0]["r"] == [0.5, None]
    assert apply_single({"a": [1], "b": [0]}, ratio)[1].state == "skipped"


def test_date_parts() -> None:
    parts: Any = ("year", "month", "day", "weekday", "hour")
    step = DateParts(kind="date_parts", column="a", parts=parts, names=parts, fill=datetime(2024, 1, 7), **BECAUSE)
    table, result = apply_single({"a": [datetime(2023, 5, 6, 7), None]}, step)
    assert table == {"year": [2023, 2024], "month": [5, 1], "day": [6, 7], "weekday": [5, 6], "hour": [7, 0]}
    assert result.what == (
        "Replaced “a” by its year, month, day, weekday and hour, "
        "taking 2024-01-07, the date in the middle, for 1 missing date."
    )


def test_features_leave_the_cleaned_table_alone() -> None:
    drop = DropColumn(kind="drop_column", phase="features", column="a", **BECAUSE)
    after = outcome({"a": [1, 2], "b": [1, 2]}, drop)
    assert after.cleaned.names == ("a", "b")
    assert after.engineered.names == ("b",)
    assert after.changes.num_rows == 0


def test_order_is_reading_cleaning_outliers_features_and_numbers_are_kept() -> None:
    scale = Scale(kind="scale", column="a", method="standard", center=1.0, divisor=1.0, **BECAUSE)
    steps = (scale, fill("a", "mean", 2), read("a", ReadInteger(kind="integer")))
    after = outcome({"a": ["1", None, "3"]}, *steps)
    assert [(result.step, result.kind, result.state) for result in after.results] == [
        (1, "scale", "applied"),
        (2, "fill_missing", "applied"),
        (3, "read_column", "applied"),
    ]
    assert after.typed["a"].array.to_pylist() == [1, None, 3]
    assert after.cleaned["a"].array.to_pylist() == [1, 2, 3]
    assert after.engineered["a"].array.to_pylist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("kind", ["cleaning", "features"])
def test_target_is_only_read(kind: Any) -> None:
    drop = DropColumn(kind="drop_column", phase=kind, column="y", **BECAUSE)
    after = outcome({"y": [1, None]}, fill("y", "mean", 1), drop, outliers("y", "cap"), target="y")
    assert {result.state for result in after.results} == {"skipped"}
    assert after.engineered["y"].array.to_pylist() == [1, None]


def test_flags_may_name_a_dropped_column() -> None:
    drop = DropColumn(kind="drop_column", phase="cleaning", column="a", **BECAUSE)
    flag = Flag(kind="flag", phase="cleaning", column="a", **BECAUSE)
    after = outcome({"a": [1], "b": [1]}, drop, flag, fill("a", "mean", 1))
    assert [result.state for result in after.results] == ["applied", "flagged", "skipped"]
    assert after.results[2].why == "Skipped: There is no column “a” at this point."


def test_a_boolean_is_filled_with_the_level_of_its_group() -> None:
    table = {"a": [True, True, True, None, False, None], "b": ["x", "x", "x", "x", "y", "z"]}
    step = FillByLevel(
        kind="fill_by_level", phase="features", column="a", by="b", most=True, fallback="false", **BECAUSE
    )
    assert apply_single(table, step)[0]["a"] == [True, True, True, True, False, False]


def test_dates_give_the_time_between_them_and_only_parts_that_vary() -> None:
    moments = {"a": [datetime(2020 + year, 1, 1, 12) for year in range(3)], "b": [datetime(2023, 1, 1)] * 2 + [None]}
    table, _ = apply_single(moments, TimeDifference(kind="time_difference", start="a", end="b", name="days", **BECAUSE))
    assert table["days"] == [1095.5, 729.5, 912.5]
    parts = ("days", "year", "month_sin", "month_cos", "hour_sin")
    step = DateParts(kind="date_parts", column="a", parts=parts, names=parts, fill=None, **BECAUSE)
    table, result = apply_single(moments, step)
    # Years of equal length are the days in another unit; month and hour never vary.
    assert set(table) == {"b", "days", "year"} and result.outputs == ("days", "year")


def test_a_power_makes_a_skewed_column_symmetric() -> None:
    values = np.exp(np.random.default_rng(1).normal(10, 2, 500))
    table, result = apply_single({"a": values}, PowerTransform(kind="power_transform", column="a", name="p", **BECAUSE))
    powers = np.array(table["p"])
    assert table["a"] == values.tolist() and (np.argsort(powers) == np.argsort(values)).all()
    assert abs(powers.mean()) < 1e-9 and abs(powers.std() - 1) < 1e-9 and abs(np.mean(powers**3)) < 0.6
    assert result.what.startswith("Added “p”: “a” made more symmetric by the power ")


def test_texts_that_are_alike_have_components_that_are_close() -> None:
    texts = [
        "red apple tree",
        "green apple tree",
        "apple trees",
        "diesel engine",
        "diesel engines",
        "old engine",
        None,
    ] * 20
    step = TextComponents(kind="text_components", column="a", names=("1", "2"), **BECAUSE)
    table, result = apply_single({"a": texts}, step)
    points = np.column_stack([table["1"], table["2"]])[:7]
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert distances[:3, :3].max() < distances[:3, 3:6].min() and distances[3:6, 3:6].max() < distances[:3, 3:6].min()
    assert points[6].tolist() == [0.0, 0.0] and abs(np.var(points[:6], axis=0).sum() - 1) < 1e-3
    settled = result.parameters["components"]
    assert len(settled) == 2 and len(settled[0]) == 256


def test_gaps_that_another_column_says_already_add_nothing() -> None:
    table = {"a": [1, None, 3], "b": [4, None, 6], "c": ["x", "y", None]}
    steps = [WasMissing(kind="was_missing", column=name, name=f"{name}_gap", **BECAUSE) for name in "abc"]
    after = outcome(table, *steps)
    assert [result.state for result in after.results] == ["applied", "skipped", "applied"]
    assert after.results[1].why == "Skipped: Where “b” is missing, “a_gap” says it already."


def test_ledger_lists_every_change_as_it_was_made() -> None:
    steps = (
        read("a", ReadInteger(kind="integer", missing=("N/A",))),
        fill("a", "median", 2),
        outliers("a", "cap"),
        DropColumn(kind="drop_column", phase="cleaning", column="b", **BECAUSE),
    )
    changes = outcome({"a": ["2", "N/A", "9"], "b": ["x", None, ""]}, *steps).changes
    entries = [tuple(row[name] for name in ("row", "column", "before", "after", "step")) for row in changes.to_pylist()]
    assert entries == [
        (2, "a", "N/A", None, 1),
        (2, "a", None, "2", 2),
        (1, "b", "x", None, 4),
        (2, "b", None, None, 4),
        (3, "b", "", None, 4),
        (3, "a", "9", "2", 3),
    ]
    assert set(changes.column("rule").to_pylist()) == {"test"}


def test_ledger_lists_every_cell_of_a_removed_row() -> None:
    changes = outcome({"a": [2, 9], "b": ["x", "y"]}, outliers("a", "remove")).changes
    assert [(row["row"], row["column"], row["before"], row["after"]) for row in changes.to_pylist()] == [
        (2, "a", "9", None),
        (2, "b", "y", None),
    ]
