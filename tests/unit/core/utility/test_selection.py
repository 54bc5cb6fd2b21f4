"""Optional features stay where they help models to predict the target, and are left out where they do harm."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.core.utility.evaluation import FamilyEvaluation, Problem
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose


def prepared(columns: dict[str, Any], target: str | None) -> Outcome:
    table = hide_personal_data(Frame.from_table(pa.table(columns)), RunOptions(target=target))
    return table.apply(propose(table.profile(), table.options))


def added(outcome: Outcome, ending: str) -> list[str]:
    return [name for name in outcome.engineered.names if name.endswith(ending)]


@pytest.mark.parametrize("seed", range(3))
def test_a_power_stays_where_the_target_follows_the_logarithm(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(0, 2, 600))
    outcome = prepared({"size": size, "y": np.log(size) + random.normal(0, 0.3, 600)}, "y")
    assert added(outcome, "_power") == ["size_power"]


def test_codes_get_indicators_where_the_target_follows_them() -> None:
    random = np.random.default_rng(4)
    code = random.integers(1, 13, 600)
    effect = random.normal(0, 2, 13)
    outcome = prepared({"code": code, "x": random.normal(0, 1, 600), "y": effect[code]}, "y")
    assert {f"code_{number}" for number in range(1, 13)} <= set(outcome.engineered.names)
    assert "code" in outcome.engineered.names


@pytest.mark.parametrize("seed", range(3))
def test_features_that_only_add_noise_are_left_out_and_the_log_says_so(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {f"noise{number}": random.integers(1, 13, 400) for number in "abcd"}
    x = random.normal(0, 1, 400)
    outcome = prepared({"x": x, **columns, "y": x + random.normal(0, 0.1, 400)}, "y")
    assert added(outcome, "_1") == []
    (flag,) = (result for result in outcome.results if result.rule == "harmful_features")
    assert flag.why.startswith("Left out ") and "indicators of single numbers of “noisea”" in flag.why
    assert [result.step for result in outcome.results] == list(range(1, len(outcome.recipe.steps) + 1))
    again = apply(outcome.recipe, Frame.from_table(pa.table({"x": x, **columns, "y": outcome.engineered["y"].array})))
    assert again.engineered.equals(outcome.engineered)


def test_without_a_target_nothing_is_judged() -> None:
    random = np.random.default_rng(2)
    price = np.exp(random.normal(3, 1.2, 500))
    outcome = prepared({"price": price, "cost": price * random.uniform(0.6, 1.0, 500)}, "none")
    assert added(outcome, "_power") == [] and added(outcome, "_bin") and added(outcome, "_per_cost")
    assert not any(result.rule == "harmful_features" for result in outcome.results)


@pytest.mark.parametrize("rows", [3, 60])
def test_leave_one_out_in_closed_form_is_that_of_refitting(rows: int) -> None:
    random = np.random.default_rng(rows)
    matrix = random.normal(0, 1, (60, 4))
    target = matrix @ [1.0, -2.0, 0.5, 0.0] + random.normal(0, 0.5, 60)
    problem = Problem.of_numbers(target)
    evaluation = FamilyEvaluation({"all": matrix}, problem)
    centered = matrix - matrix.mean(axis=0)
    predicted = evaluation._predict_by_ridge(np.arange(4))[0]
    row, penalty = rows % 60, 0.1
    others = np.arange(60) != row
    # The penalty does not apply to the constant.
    design = np.column_stack([np.ones(59), centered[others]])
    weights = np.linalg.solve(design.T @ design + penalty * np.diag([0, 1, 1, 1, 1]), design.T @ problem.values[others])
    assert predicted[row, 0] == pytest.approx(float((np.array([1, *centered[row]]) @ weights)[0]), abs=1e-9)


def test_a_ratio_that_is_the_target_is_left_out_and_said() -> None:
    random = np.random.default_rng(8)
    price, share = np.exp(random.normal(3, 1, 500)), random.uniform(0.6, 1.0, 500)
    outcome = prepared({"price": price, "cost": price * share, "margin": 1 / share}, "margin")
    assert added(outcome, "_per_cost") == []
    flags = [result.why for result in outcome.results if result.rule == "defining_ratio"]
    assert len(flags) == 1 and "“price_per_cost”: it is nearly the target itself (|r| = 1)" in flags[0]
