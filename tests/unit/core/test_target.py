"""Target detection explains itself, and unsure is an answer."""

from dataclasses import dataclass

import pytest

from worker_service.core.target import force_target, guess_target


@dataclass(frozen=True)
class Facts:
    name: str
    type: str = "integer"
    position: int = 1
    distinct: int = 50


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
    found = guess_target([Facts(name) for name in names])
    assert (found.column, found.confidence) == (expected, confidence)
    assert f"“{expected}”" in found.reason


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
    found = guess_target(columns)
    assert found.column is None
    assert found.confidence < 0.5
    assert "target=" in found.reason


def test_asked_for() -> None:
    assert force_target("b", [Facts("a"), Facts("b")]).column == "b"
    refused = force_target("c", [Facts("a")])
    assert refused.column is None
    assert refused.reason == "“c” was asked for as the target, but there is no such column, so none was set."
