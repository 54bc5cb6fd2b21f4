"""What the uploader says of columns is carried out: roles, units, a treatment of outliers."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import LEFT_OUT_ROLES
from worker_service.core.columns.column_profile import ColumnHints
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROWS = 200


def table() -> dict[str, Any]:
    source = np.random.default_rng(4)
    amounts = [f"{value:.2f}" for value in source.normal(100, 5, ROWS)]
    amounts[7], amounts[9] = "9000.00", "9100.00"
    sizes: list[Any] = [f"{value:.1f}" for value in source.normal(70, 9, ROWS)]
    sizes[3] = None
    return {
        "order_id": [str(row + 1000) for row in range(ROWS)],
        "city": [str(city) for city in source.choice(["Oslo", "Rome", "Bern"], ROWS)],
        "amount": amounts,
        "size": sizes,
        "weight": [f"{value} kg" if value % 3 else f"{value * 1000} g" for value in range(1, ROWS + 1)],
        "churned": [str(word) for word in source.choice(["yes", "no"], ROWS)],
    }


def prepare(**options: Any) -> Outcome:
    frame = Frame.from_table(pa.table(table()))
    chosen = RunOptions(**{"target": "churned", **options}).resolve(frame.names)
    facts = profile(
        frame,
        target=chosen.target,
        types=chosen.types,
        hints={name: ColumnHints(unit=unit) for name, unit in chosen.units.items()},
        ignored=chosen.columns_of(LEFT_OUT_ROLES),
    )
    return apply(propose(facts, chosen), frame)


def test_a_dropped_column_is_in_neither_table() -> None:
    outcome = prepare(roles={"city": "drop"})
    assert "city" not in outcome.cleaned.names
    assert not any(name.startswith("city") for name in outcome.engineered.names)
    (entry,) = {row["column"] for row in outcome.changes.to_pylist() if row["rule"] == "role"}
    assert entry == "city"


def test_an_ignored_column_is_in_the_cleaned_table_only() -> None:
    outcome = prepare(roles={"CITY": "ignore"})
    assert "city" in outcome.cleaned.names
    assert not any(name.startswith("city") for name in outcome.engineered.names)


@pytest.mark.parametrize("role", ["keep", "group", "weight"])
@pytest.mark.parametrize("column", ["order_id", "city", "amount"])
def test_a_column_with_such_a_role_is_taken_over_as_it_is(role: str, column: str) -> None:
    outcome = prepare(roles={column: role})
    assert outcome.engineered[column].array.equals(outcome.cleaned[column].array)


@pytest.mark.parametrize("role", ["keep", "ignore", "drop"])
def test_nothing_is_said_of_features_that_a_role_rules_out(role: str) -> None:
    for target in ("churned", "none"):
        outcome = prepare(target=target, roles={"amount": role, "city": role})
        assert not [result for result in outcome.results if result.rule == "guard" or result.state == "skipped"]


def test_a_feature_is_used_though_it_looks_like_an_identifier() -> None:
    assert "order_id" not in prepare().engineered.names
    assert "order_id" in prepare(roles={"order_id": "feature"}).engineered.names


def test_a_sensitive_column_is_not_filled() -> None:
    assert prepare().cleaned["size"].missing == 0
    assert prepare(roles={"size": "sensitive"}).cleaned["size"].missing == 1


def test_outliers_of_one_column_are_treated_as_asked() -> None:
    assert prepare().cleaned["amount"].numbers().max() == 9100
    assert prepare(outlier_strategies={"Amount": "cap"}).cleaned["amount"].numbers().max() < 200


def test_numbers_are_converted_into_the_unit_that_was_asked_for() -> None:
    assert prepare().cleaned["weight"].array[2].as_py() == 3.0
    assert prepare(units={"weight": "g"}).cleaned["weight"].array.to_pylist()[:3] == [1000.0, 2000.0, 3000.0]


def test_a_unit_that_does_not_fit_empties_no_column() -> None:
    outcome = prepare(units={"city": "kg"})
    assert outcome.cleaned["city"].missing == 0
    assert any("The unit kg was asked for" in step.why for step in outcome.recipe.steps)


def test_a_role_names_the_target() -> None:
    assert prepare(target=None, roles={"Churned": "target"}).recipe.target.column == "churned"


def test_names_differ_in_letter_case_only() -> None:
    assert prepare(target="CHURNED").recipe.target.column == "churned"
    assert prepare(target="None").recipe.target.column is None
