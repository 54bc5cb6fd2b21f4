"""Target detection gives its reason, and no target where it is unsure."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.profile import profile
from worker_service.core.relations.target import infer_target, requested_target
from worker_service.core.table.frame import Frame


@dataclass(frozen=True)
class Facts:
    name: str
    type: str = "integer"
    position: int = 1
    distinct: int = 50


def unknown(name: str) -> None:
    return None


@pytest.mark.parametrize(
    ("names", "expected", "confidence"),
    [
        (["a", "target"], "target", 0.95),
        (["Survived", "a"], "Survived", 0.85),
        (["a", "SalePrice"], "SalePrice", 0.7),
        (["isFraud", "a"], "isFraud", 0.85),
        (["default", "balance", "y"], "y", 0.95),
        (["price", "label", "x"], "label", 0.85),
    ],
)
def test_names_and_position_decide(names: list[str], expected: str, confidence: float) -> None:
    target = infer_target([Facts(name) for name in names], unknown)
    assert (target.column, target.confidence) == (expected, confidence)
    assert f"“{expected}”" in target.why


@pytest.mark.parametrize(
    "columns",
    [
        [Facts("a"), Facts("b")],
        [Facts("label"), Facts("target"), Facts("x")],
        [Facts("a"), Facts("group", type="category", distinct=3)],
        [Facts("target", type="identifier"), Facts("b")],
        [],
    ],
)
def test_unsure_is_an_answer(columns: list[Facts]) -> None:
    target = infer_target(columns, unknown)
    assert target.column is None
    assert target.confidence < 0.5
    assert "target=" in target.why


def test_requested_target() -> None:
    assert requested_target("b", [Facts("a"), Facts("b")]).column == "b"
    refused = requested_target("c", [Facts("a")])
    assert refused.column is None
    assert refused.why == "“c” was asked for as the target, but there is no such column, so none was set."


def test_what_the_others_do_not_predict_is_chosen_by_a_strong_name_only() -> None:
    def hardly(name: str) -> float:
        return 0.01

    strong, likely = (
        infer_target([Facts("a"), Facts("label")], hardly),
        infer_target([Facts("a"), Facts("price")], hardly),
    )
    assert (strong.column, strong.confidence) == ("label", 0.7)
    assert likely.column is None
    assert "The other columns hardly predict it." in likely.why


def test_of_several_names_the_predictable_column_is_chosen() -> None:
    columns = [Facts("price"), Facts("rating"), Facts("x")]
    target = infer_target(columns, {"price": 0.62, "rating": 0.02}.__getitem__)
    assert (target.column, target.confidence) == ("price", 0.55)
    assert "explains 62 %" in target.why
    assert infer_target(columns, {"price": 0.62, "rating": 0.5}.__getitem__).column is None


def test_others_predict_a_column_in_a_table() -> None:
    random = np.random.default_rng(4)
    area, rooms = random.uniform(30, 150, 400), random.integers(1, 6, 400)
    noise = random.normal(0, 1, 400)
    facts = profile(Frame.from_table(pa.table({"area": area, "rooms": rooms, "price": area * 3000 + rooms * 9000})))
    assert facts.target.column == "price"
    assert "predict it" in facts.target.why
    assert profile(Frame.from_table(pa.table({"area": area, "rooms": rooms, "price": noise}))).target.column is None
