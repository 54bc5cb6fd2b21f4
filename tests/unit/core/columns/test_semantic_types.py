"""Semantic types follow from the pattern of the values, and from the name where patterns are ambiguous."""

from typing import Any

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import profile
from worker_service.core.recipe.steps import TreatOutliers
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

CASES: dict[str, tuple[str, list[Any]]] = {
    "email": ("contact", ["ada@example.org", "li@mail.example.com", "no.or+x@a.io"]),
    "url": ("site", ["https://example.org/a?b=1", "http://x.io", "www.example.com/y"]),
    "phone": ("mobile", ["+44 20 7946 0958", "(030) 901820-1", "555-010-2234"]),
    "postal_code": ("zip", ["00501", "94105-1234", "SW1A 1AA"]),
    "country_code": ("country", ["NA", "DE", "US"]),
    "latitude": ("geo_lat", [52.52, -33.9, 0.0]),
    "longitude": ("lng", [13.4, 151.2, -179.9]),
}


def facts(name: str, cells: list[Any]) -> ColumnProfile:
    return profile(Frame.from_table(pa.table({name: cells * 10, "z": range(10 * len(cells))}))).columns[0]


@pytest.mark.parametrize("semantic_type", CASES)
def test_semantic_types_are_recognised_with_counts(semantic_type: str) -> None:
    name, cells = CASES[semantic_type]
    profiled = facts(name, cells)
    assert profiled.semantic_type is not None
    assert (profiled.semantic_type.name, profiled.semantic_type.cells) == (semantic_type, 30)
    assert "30 of 30 known cells (100 %) look like" in profiled.why


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("state", ["CA", "AL", "DE"]),
        ("code", ["00501", "94105", "10001"]),
        ("lat", [52.5, 130.0, 3.0]),
        ("size", [52.5, 13.0, 3.0]),
        ("note", ["ada@example.org", "call me", "later"]),
        ("id", ["12 345", "99 812", "10 222"]),
    ],
)
def test_similar_values_have_no_semantic_type(name: str, cells: list[Any]) -> None:
    assert facts(name, cells).semantic_type is None


def test_coordinates_are_never_outliers() -> None:
    cells = [52.5 + index / 1000 for index in range(100)] + [-33.9]
    plan = propose(profile(Frame.from_table(pa.table({"lat": cells, "z": range(101)}))), RunOptions())
    assert not [step for step in plan.steps if isinstance(step, TreatOutliers) and step.column == "lat"]
