"""Target detection gives its reason, and no target where it is unsure."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.relations.target import infer_target, requested_target
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


@dataclass(frozen=True)
class Facts:
    name: str
    type: str = "integer"
    position: int = 1
    distinct: int = 50
    missing: int = 0


def unknown(name: str) -> None:
    return None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "target"], "target"),
        (["Survived", "a", "b"], "Survived"),
        (["a", "SalePrice", "b"], "SalePrice"),
        (["isFraud", "a"], "isFraud"),
        (["balance", "amount", "y"], "y"),
        (["price", "label", "x"], "label"),
        (["a", "median_house_value", "b", "Sale_Price", "latitude"], "Sale_Price"),
        (["a", "b", "c2"], "c2"),
        (["price", "x", "y", "z"], "price"),
        (["wage", "item_1", "item_2", "item_3"], "wage"),
    ],
)
def test_names_and_position_decide(names: list[str], expected: str) -> None:
    target = infer_target([Facts(name) for name in names], unknown, rows=100)
    assert target.column == expected
    assert target.confidence >= 0.5
    assert f"“{expected}”" in target.why
    assert target.candidates[0].column == expected
    assert not target.unsure


@pytest.mark.parametrize(
    "columns",
    [
        [Facts("label"), Facts("target"), Facts("x")],
        [Facts("a", type="category"), Facts("age", type="category", distinct=200)],
        [Facts("target", type="identifier"), Facts("b", type="text")],
        [Facts("sum"), Facts("x"), Facts("y"), Facts("z")],
        [Facts("price")],
        [Facts("a", type="text"), Facts("b", missing=30)],
        [],
    ],
)
def test_unsure_is_an_answer(columns: list[Facts]) -> None:
    target = infer_target(columns, unknown, rows=100)
    assert target.column is None
    assert target.confidence < 0.5
    assert "ame the column to predict" in target.why


def test_while_unsure_no_candidate_is_filled_scaled_or_used() -> None:
    random = np.random.default_rng(6)
    label, target = random.normal(0, 1, 300), random.normal(0, 1, 300)
    columns = {
        "label": pa.array(label, mask=random.random(300) < 0.1),
        "target": target,
        "x": pa.array(label + target + random.normal(0, 0.1, 300), mask=random.random(300) < 0.1),
    }
    frame = Frame.from_table(pa.table(columns))
    facts = profile(frame)
    assert facts.target.column is None
    assert {"label", "target"} <= facts.target.unsure
    assert not {"label", "target"} & {name for item in facts.imputations for name in item.predictors}
    outcome = apply(propose(facts, RunOptions()), frame)
    for name in ("label", "target"):
        assert outcome.cleaned[name].array.equals(frame[name].array)
        assert outcome.engineered[name].array.equals(frame[name].array)


def test_requested_target() -> None:
    assert requested_target("b", [Facts("a"), Facts("b")]).column == "b"
    refused = requested_target("c", [Facts("a")])
    assert refused.column is None
    assert refused.why == "“c” was asked for as the target, but there is no such column, so none was set."


def test_a_likely_name_in_the_last_column_is_enough() -> None:
    target = infer_target([Facts("a"), Facts("price")], lambda name: 0.01, rows=100)
    assert target.column == "price"
    assert "; the other columns hardly predict it." in target.why


def test_of_several_names_the_predictable_column_is_chosen() -> None:
    columns = [Facts("a"), Facts("price"), Facts("rating"), Facts("sex")]
    scores = {"price": 0.62, "rating": 0.02}
    target = infer_target(columns, lambda name: scores.get(name), rows=100)
    assert target.column == "price"
    assert "removes 62 %" in target.why
    scores["rating"] = 0.5
    assert infer_target(columns, lambda name: scores.get(name), rows=100).column is None


def test_others_predict_a_column_in_a_table() -> None:
    random = np.random.default_rng(4)
    area, rooms = random.uniform(30, 150, 400), random.integers(1, 6, 400)
    facts = profile(Frame.from_table(pa.table({"area": area, "rooms": rooms, "price": area * 3000 + rooms * 9000})))
    assert facts.target.column == "price"
    assert "; a tree over the other columns removes 9" in facts.target.why


def test_a_letter_without_a_small_form_of_one_letter_is_a_name_like_others() -> None:
    table = pa.table({"a": [str(n % 7) for n in range(60)], "İ": [str(n) for n in range(60)]})
    assert propose(profile(Frame.from_table(table)), RunOptions()).target.column in (None, "a", "İ")
