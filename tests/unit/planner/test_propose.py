"""Tests of the rules on tables of known content: the proposed steps and their reasons."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import (
    AnyStep,
    DropColumn,
    FillMissing,
    Flag,
    FrequencyEncode,
    LabelEncode,
    OneHot,
    Scale,
    TreatOutliers,
)
from worker_service.core.stats.summary import TimestampSummary
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose
from worker_service.planner.rules.column_names import Names
from worker_service.planner.rules.derived_features import propose_date_parts


def proposed(columns: dict[str, Any], target: str | None = None, **options: Any) -> Recipe:
    # The tables here are small, and a fill that could not be measured is made on request only.
    options = {"fill": "all", **options}
    facts = profile(Frame.from_table(pa.table(columns)), target=target or "none")
    return propose(facts, RunOptions(**options))


def steps_of(plan: Recipe, kind: type[Any], column: str) -> list[Any]:
    return [step for step in plan.steps if isinstance(step, kind) and column in step.columns]


def only(columns: dict[str, Any], kind: type[Any], column: str = "x", **options: Any) -> Any:
    (step,) = steps_of(proposed(columns, **options), kind, column)
    return step


def prepared(columns: dict[str, Any], target: str | None = None, **options: Any) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target or "none"), RunOptions(**options)), frame)


def fill_of(step: AnyStep) -> tuple[Any, ...]:
    return tuple(getattr(step, name) for name in ("method", "value", "why"))


def test_fill_symmetric_numbers_with_the_mean() -> None:
    assert fill_of(only({"x": [1.0, 2.0, 3.0, 4.0, 5.5, None]}, FillMissing)) == (
        "mean",
        3.1,
        "The values lie about evenly on both sides of it (skew 0.21).",
    )


def test_fill_mildly_skewed_numbers_and_say_so() -> None:
    step = only({"x": [1.0, 2.0, 2.5, 3.0, 3.6, 6.0, None]}, FillMissing)
    assert fill_of(step) == (
        "mean",
        3.0,
        "The values are only mildly skewed (skew 0.76); it is rounded from 3.017.",
    )


def test_fill_skewed_numbers_with_the_median() -> None:
    step = only({"x": [1, 1, 2, 2, 2, 3, 4, 90, None]}, FillMissing)
    assert fill_of(step) == ("median", 2, "A few very large values pull the mean away, to 13.12 (skew 2.26).")


def test_a_mean_that_would_be_an_outlier_fills_nothing() -> None:
    step = only({"x": [-497.0, 249.0, 5.0, 1.5, 27.5, None]}, FillMissing)
    assert (step.method, step.value) == ("median", 5.0)


def test_whole_numbers_stay_whole() -> None:
    step = only({"x": [1, 2, 4, 5, 3, 5, None]}, FillMissing)
    assert (step.method, step.value) == ("mean", 3)
    assert step.why.endswith("; it is rounded from 3.333.")


def test_fill_a_time_series_forward() -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 11)]
    step = only({"day": days, "x": [1, None, 3, 4, None, 6, 7, 8, 9, 10]}, FillMissing)
    assert fill_of(step) == (
        "forward_fill",
        None,
        "The rows are in the order of “day”, so the value before is the best guess.",
    )


@pytest.mark.parametrize(
    ("cells", "method", "value", "why"),
    [
        (
            ["a"] * 6 + ["b"] * 3 + [None],
            "mode",
            "a",
            "It holds 66.7 % of the 9 known cells, and 10 % are missing.",
        ),
        (
            ["a"] * 5 + ["b"] * 2 + [None] * 3,
            "constant",
            "missing",
            "30 % of the cells are missing, too many to guess, so they form a category of their own.",
        ),
        (
            ["a", "b", "c"] * 3 + [None],
            "constant",
            "missing",
            "No value clearly leads (“a” holds 33.3 %), so the missing cells form a category of their own.",
        ),
        (["true"] * 6 + ["no"] * 3 + [None], "mode", True, "It holds 66.7 % of the 9 known cells."),
    ],
)
def test_fill_categories_for_a_model(cells: list[str | None], method: str, value: str, why: str) -> None:
    step = only({"x": cells}, FillMissing, fill="safe")
    assert fill_of(step) == (method, value, why)
    assert step.phase == "features"


def test_a_category_is_filled_with_its_mode_on_request() -> None:
    step = only({"x": ["a", "b", "b", "c"] * 3 + [None] * 6}, FillMissing)
    assert (step.phase, step.method, step.value) == ("cleaning", "mode", "b")


def test_a_coin_toss_is_left_missing_for_people() -> None:
    cells = ["yes", "no", "yes", "no", "yes", "no", None] * 20
    outcome = prepared({"x": cells, "y": [float(row % 9) for row in range(140)]})
    assert outcome.cleaned["x"].missing == 20
    assert outcome.engineered["x"].missing == 0
    (left,) = (result for result in outcome.results if result.rule == "left_missing")
    assert "no other column tells it in 95 % of the cases" in left.why


def test_cells_that_say_where_a_value_lies_are_not_guessed() -> None:
    cells = [str(row % 23 + 0.5) for row in range(120)]
    cells[3], cells[50], cells[90] = "<0.1", "<0.1", ">500"
    outcome = prepared({"x": cells, "y": [float(row % 7) for row in range(120)]})
    assert outcome.cleaned["x"].missing == 3
    assert outcome.engineered["x"].missing == 0
    (left,) = (result for result in outcome.results if result.rule == "left_missing")
    assert "say where it lies" in left.why


def test_a_value_or_none_is_a_feature() -> None:
    cells = ["SPRING" if row % 5 == 0 else None for row in range(100)]
    outcome = prepared({"coupon": cells, "y": [float(row % 7) for row in range(100)]})
    assert outcome.engineered["coupon_was_missing"].numbers().sum() == 80
    assert "coupon" not in outcome.engineered


def test_the_word_for_missing_is_not_a_value() -> None:
    cells = ["a", "Not given", "missing!", "c"] * 3 + [None]
    assert only({"x": cells}, FillMissing, fill="safe").value == "missing"
    assert only({"x": ["missing"] * 8 + ["b"] * 5 + [None]}, OneHot, fill="safe").levels == ("b",)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (
            [f"K-{row}" for row in range(30)],
            "Left the 1 missing cell of “x” as it is in the cleaned table: an identifier can't be guessed.",
        ),
        ([f"2024-01-{day:02d}" for day in range(1, 29)], "a date can't be guessed."),
        (["same"] * 9, "what is missing may be its opposite."),
    ],
)
def test_left_missing_and_said_so(cells: list[str], why: str) -> None:
    plan = proposed({"x": [*cells, None]})
    assert not steps_of(plan, FillMissing, "x")
    (flag,) = (step for step in steps_of(plan, Flag, "x") if step.rule == "left_missing")
    assert flag.why.endswith(why)


def test_sparse_columns_are_no_features_and_stay_in_the_cleaned_table() -> None:
    outcome = prepared({"x": [1, 2, *[None] * 18], "y": range(20)})
    (drop,) = (result for result in outcome.results if result.kind == "drop_column" and result.columns == ("x",))
    assert (drop.phase, drop.rule) == ("features", "unused_sparse")
    assert drop.why.endswith("Only 2 of 20 cells (10 %) have a value.")
    assert outcome.cleaned["x"].missing == 18


def test_a_table_without_values_is_kept() -> None:
    outcome = prepared({"a": ["", "", ""], "b": ["", "", ""]})
    assert outcome.cleaned.shape == (3, 2)
    assert outcome.engineered.names == ("row",)
    assert outcome.engineered.rows == 3
    (numbered,) = (result for result in outcome.results if result.kind == "number_rows")
    assert numbered.why.endswith("No column is of use to a model, so the rows are only numbered.")


def test_rows_are_numbered_where_nothing_else_is_left() -> None:
    outcome = prepared({"id": [f"K-{row}" for row in range(30)], "row": ["same"] * 30})
    assert outcome.engineered.names == ("row_2",)
    assert prepared(
        {"id": [f"K-{row}" for row in range(30)], "x": [row % 7 for row in range(30)]}
    ).engineered.names == ("x",)


def test_names_of_new_columns_have_no_control_characters() -> None:
    assert Names([]).claim("a\x00b", "c\nd\x85") == "a_b_c_d_"
    assert only({"x": ["a\x00", "b", "a\x01"] * 5}, OneHot).names == ("x_a_", "x_a__2", "x_b")


def test_moments_without_a_value_have_no_span() -> None:
    nothing = TimestampSummary(first=None, last=None, median=None, has_time=False)
    facts = profile(Frame.from_table(pa.table({"x": ["2024-01-01", "2024-01-02"]}))).columns[0]
    assert not list(propose_date_parts([facts.model_copy(update={"timestamps": nothing})], Names([])))


NORMAL = [round(float(value), 2) for value in np.random.default_rng(3).normal(100, 10, 200)]


@pytest.mark.parametrize("strategy", ["cap", "remove", "median", "null", "flag"])
@pytest.mark.parametrize("method", ["iqr", "zscore"])
def test_outliers_are_treated_as_asked(method: str, strategy: str) -> None:
    step = only({"x": [*NORMAL, 900.0]}, TreatOutliers, outlier_method=method, outlier_strategy=strategy)
    assert (step.method, step.strategy) == (method, strategy)
    assert step.lower < 90 < 110 < step.upper < 900
    assert (step.replacement is None) == (strategy != "median")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([*NORMAL, *[500.0] * 40], "More than 10 % are no outliers but belong to the distribution."),
        (
            [*[0.0] * 200, *map(float, range(15))],
            "At least half of the values are 0, so there is no ordinary range to lie outside of.",
        ),
    ],
)
def test_outliers_that_belong_are_only_counted(cells: list[float], why: str) -> None:
    step = only({"x": cells}, TreatOutliers)
    assert (step.strategy, step.why) == ("flag", why)


def test_outliers_stay_in_the_cleaned_table_unless_a_user_asks() -> None:
    cells = [*NORMAL, 900.0]
    outcome = prepared({"x": cells})
    assert outcome.cleaned["x"].numbers().tolist() == cells
    assert outcome.engineered["x"].numbers().max() < 10
    (treated,) = (result for result in outcome.results if result.kind == "treat_outliers")
    assert treated.why.startswith("In the engineered table, moved 1 value (0.5 %) of “x” above ")
    assert "; the cleaned table keeps it. " in treated.why
    assert prepared({"x": cells}, outlier_strategy="cap").cleaned["x"].numbers().max() < 900


def test_codes_identifiers_and_the_target_have_no_outliers() -> None:
    columns = {"code": [*[1, 2, 3] * 67], "id": range(0, 201 * 7, 7), "y": [*NORMAL, 900.0]}
    assert not [step for step in proposed(columns, target="y").steps if isinstance(step, TreatOutliers)]


def test_removal_keeps_most_rows() -> None:
    shuffled = np.random.default_rng(5)
    columns = {
        f"x{index}": shuffled.permutation([*NORMAL[:196], *(900.0 + index + np.arange(4))]) for index in range(6)
    }
    outcome = prepared(columns, outlier_strategy="remove")
    strategies = [result.parameters["strategy"] for result in outcome.results if result.kind == "treat_outliers"]
    assert strategies == ["remove", "remove", "remove", "remove", "remove", "cap"]
    assert 180 <= outcome.cleaned.rows < 190


def test_a_group_far_out_is_no_accident() -> None:
    salaries = [*np.linspace(2000, 6000, 190), *np.linspace(34_000, 60_000, 10)]
    outcome = prepared({"pay": salaries})
    assert outcome.cleaned["pay"].numbers().tolist() == salaries
    assert any("a group of their own" in result.why for result in outcome.results)


def test_target_is_untouched_everywhere() -> None:
    columns = {"x": list(range(0, 600, 3)), "y": [None, 1e6, *NORMAL[2:]]}
    outcome = prepared(columns, target="y")
    assert outcome.engineered["y"].array.to_pylist() == columns["y"]
    assert not [result for result in outcome.results if "y" in result.columns and result.kind != "flag"]


@pytest.mark.parametrize(
    "cells",
    [
        ["yes", "no", "yes", "no"] * 10,
        ["$1", "2 €", "$3", "€4"] * 10,
        ["1", "2", "3", "x"] + ["5"] * 36,
        ["a", "N/A", "b", "a"] * 10,
    ],
)
def test_a_target_that_reading_would_rewrite_stays_exactly_as_uploaded(cells: list[str]) -> None:
    outcome = prepared({"x": list(range(40)), "y": cells}, target="y")
    for frame in (outcome.typed, outcome.cleaned, outcome.engineered):
        assert frame["y"].array.to_pylist() == cells
    assert "y" not in outcome.changes.column("column").to_pylist()


def test_a_target_of_numbers_is_read() -> None:
    outcome = prepared({"x": list(range(40)), "y": ["1", "2.5", "3", "N/A"] * 10}, target="y")
    assert outcome.engineered["y"].array.to_pylist() == [1.0, 2.5, 3.0, None] * 10


def test_a_target_of_amounts_in_one_unit_is_read() -> None:
    outcome = prepared({"x": list(range(40)), "y": ["$1", "$2,500", "$3", "$4"] * 10}, target="y")
    assert outcome.engineered["y"].array.to_pylist() == [1, 2500, 3, 4] * 10


def test_a_target_is_read_as_the_type_that_was_asked_for() -> None:
    columns = {"x": list(range(40)), "y": ["1", "2", "3", "x"] + ["5"] * 36}
    (flag,) = [
        step for step in proposed(columns, target="y").steps if step.rule == "target" and step.phase == "cleaning"
    ]
    assert flag.why == (
        "“y” is the target and stays exactly as uploaded, because 1 cell of it, “x”, does not fit the type integer. "
        "Name that type for it to have them count as missing."
    )
    outcome = prepared(columns, target="y", types={"y": "integer"})
    assert outcome.engineered["y"].array.to_pylist() == [1, 2, 3, None] + [5] * 36


def test_asking_for_a_target_that_is_not_there_is_told() -> None:
    plan = proposed({"x": [1, 2, 3]}, target="gone")
    assert plan.target.column is None
    assert any(isinstance(step, Flag) and "no such column" in step.why for step in plan.steps)


def test_a_copy_of_the_target_is_left_out() -> None:
    columns = {"copy": [0, 1, 1, 0, 1], "x": [1, 5, 2, 8, 9], "y": [0, 1, 1, 0, 1]}
    outcome = prepared(columns, target="y")
    assert outcome.engineered.names == ("x", "y")


def test_the_same_in_another_unit_is_one_feature() -> None:
    celsius = np.random.default_rng(1).normal(15, 8, 200).round(2)
    plan = proposed({"celsius": celsius, "fahrenheit": (celsius * 1.8 + 32).round(1), "other": celsius + celsius % 3})
    (drop,) = [step for step in plan.steps if isinstance(step, DropColumn)]
    assert drop.columns == ("fahrenheit",)
    assert "“celsius” in another unit" in drop.why


def test_few_levels_get_columns_and_many_get_numbers() -> None:
    few = only({"x": ["a", "b", "c"] * 5}, OneHot)
    assert (few.levels, few.names) == (("a", "b", "c"), ("x_a", "x_b", "x_c"))
    many = only({"x": [f"L{row % 51}" for row in range(204)]}, FrequencyEncode)
    assert len(many.levels) == 51
    assert sum(many.shares) == pytest.approx(1)


def test_rare_levels_share_a_column() -> None:
    step = only({"x": ["a", "b"] * 500 + ["c", "d", "e"]}, OneHot)
    assert (step.levels, step.other) == (("a", "b"), "x_other")
    outcome = prepared({"x": ["a", "b"] * 500 + ["c", "d", "e"]})
    assert outcome.engineered["x_other"].array.to_pylist()[-4:] == [0, 1, 1, 1]


def test_an_order_that_is_recognised_is_kept() -> None:
    step = only({"x": ["high", "low", "medium", "low", "high"] * 8}, LabelEncode)
    assert step.levels == ("low", "medium", "high")
    assert only({"x": ["10-19", "20-29", "<10", "30+"] * 8}, LabelEncode).levels == ("<10", "10-19", "20-29", "30+")


def test_booleans_become_numbers() -> None:
    assert only({"x": [True, False, True]}, LabelEncode).levels == ("false", "true")


def test_new_names_are_new() -> None:
    columns = {"x": ["a", "b", "b"] * 4, "x_a": range(12), "x_b_2": range(12), "x_b": range(12)}
    assert only(columns, OneHot).names == ("x_a_2",)
    three = {"x": ["a", "b", "b", "c"] * 3, "x_a": range(12), "x_b_2": range(12), "x_b": range(12)}
    assert only(three, OneHot).names == ("x_a_2", "x_b_3", "x_c")
    names = Names(["a_b"])
    assert (names.claim("a", "b"), names.claim("a", "b")) == ("a_b_2", "a_b_3")


@pytest.mark.parametrize("strategy", ["cap", "median", "remove", "null", "flag"])
def test_standardised_means_standardised(strategy: str) -> None:
    rng = np.random.default_rng(11)
    cells = [*np.round(rng.normal(50, 9, 300), 1), *[95.0] * 9, *[None] * 20]
    outcome = prepared({"x": cells, "z": range(0, 329 * 3, 3)}, outlier_strategy=strategy)
    values = outcome.engineered["x"].numbers()
    assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=1e-6)


def test_heavy_tails_are_scaled_by_their_quartiles() -> None:
    step = only({"x": np.random.default_rng(1).standard_t(2, 2000)}, Scale)
    assert (step.method, step.center) == ("robust", None)
    (measured,) = steps_of(prepared({"x": np.random.default_rng(1).standard_t(2, 2000)}).recipe, Scale, "x")
    assert measured.center is not None


def test_amounts_in_different_currencies_become_a_number_and_a_unit() -> None:
    cells = [*["$5.50", "7 €", "EUR 9", None] * 10, "12"]
    outcome = prepared({"price": cells, "sold": ["yes", *["no"] * 9] * 4 + ["no"]}, target="sold")
    assert outcome.cleaned["price"].array.to_pylist() == cells
    table = outcome.engineered.to_table()
    assert table.column_names == ["sold", "price_amount", "price_unit_EUR", "price_unit_USD"]
    assert table["price_unit_EUR"].to_pylist() == [0, 1, 1, 0] * 10 + [0]
    assert table["price_unit_USD"].to_pylist() == [1, 0, 0, 0] * 10 + [0]
    scale = next(step for step in outcome.recipe.steps if isinstance(step, Scale))
    assert scale.divisor is not None and scale.center is not None
    amounts = np.asarray(table["price_amount"]) * scale.divisor + scale.center
    assert amounts.round(6).tolist() == [5.5, 7, 9, 7] * 10 + [12]


def test_units_that_can_be_converted_stay_one_number() -> None:
    outcome = prepared({"weight": ["500 g", "2 kg", "3 kg"] * 12, "x": list(range(36))})
    assert outcome.cleaned["weight"].array.to_pylist()[:3] == [0.5, 2, 3]
    assert "weight" in outcome.engineered.names


def test_ratios_and_bins_say_why() -> None:
    rng = np.random.default_rng(2)
    price = np.exp(rng.normal(3, 1.2, 500))
    columns = {"price": price, "cost": price * rng.uniform(0.6, 1.0, 500), "code": rng.integers(0, 2, 500)}
    outcome = prepared(columns)
    by_kind = {result.kind: result for result in outcome.results}
    assert by_kind["ratio"].outputs == ("price_per_cost",)
    assert by_kind["bin"].outputs[0].endswith("_bin")
    assert "r = 0.9" in by_kind["ratio"].why
