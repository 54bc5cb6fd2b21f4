"""A chosen type applies, and the cells that do not fit it are counted and listed."""

from typing import Any

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

CELLS = {
    "code": ["101", "102", "103", "101"] * 10,
    "zip": ["00501", "94105", "10001", "x"] * 10,
    "flag": ["1", "0", "yes", "no"] * 10,
    "when": ["03/04/2024", "05/06/2024", "07/08/2024", "later"] * 10,
    "name": ["ada", "li", "noor", "omar"] * 10,
}


def chosen(**types: Any) -> tuple[dict[str, ColumnProfile], Outcome]:
    frame = Frame.from_table(pa.table(CELLS))
    facts = profile(frame, types=types)
    outcome = apply(propose(facts, RunOptions()), frame)
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))
    return facts.by_name(), outcome


def test_codes_stay_text() -> None:
    facts, outcome = chosen(code="category")
    assert facts["code"].type == "category"
    assert outcome.cleaned["code"].array.to_pylist() == CELLS["code"]


@pytest.mark.parametrize(
    ("column", "kind", "invalid", "first"),
    [("zip", "integer", 10, 501), ("flag", "boolean", 0, True), ("when", "timestamp", 10, None)],
)
def test_a_chosen_type_is_applied(column: str, kind: str, invalid: int, first: object) -> None:
    facts, outcome = chosen(**{column: kind})
    assert (facts[column].type, facts[column].invalid) == (kind, invalid)
    assert "was asked for" in facts[column].why
    if first is not None:
        assert outcome.cleaned[column].array[0].as_py() == first


def test_an_impossible_type_is_explained() -> None:
    frame = Frame.from_table(pa.table({"x": [1.5, 2.5, 3.5]}))
    (facts,) = profile(frame, types={"x": "boolean"}).columns
    assert facts.type == "decimal"
    assert "boolean was asked for, but" in facts.why
