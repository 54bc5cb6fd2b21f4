"""Values are read without what is attached to a few of them; what may have a meaning stays."""

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.parsing.attached_marks import without_marks
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


def prepared(cells: list[str]) -> Outcome:
    frame = Frame.from_table(pa.table({"x": cells, "id": [f"r{row}" for row in range(len(cells))]}))
    return apply(propose(profile(frame, target="none"), RunOptions()), frame)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21152-*", "21152"),
        ("22063*", "22063"),
        ("324?", "324"),
        ("12.5 **", "12.5"),
        ('"74000', "74000"),
        ("'74000", "74000"),
        ("2024-10-11-*", "2024-10-11"),
        ("2024-10-11 2024-10-11", "2024-10-11"),
        ("5'6\"", None),
        ('69"', None),
        ("12-", None),
        ("12+", None),
        ("~638", None),
        ("12 12", None),
        ("74000", None),
        (" 74000 ", None),
        ("***", None),
    ],
)
def test_what_is_attached(text: str, value: str | None) -> None:
    assert without_marks(pa.array([text])).to_pylist() == [value]


@pytest.mark.parametrize(
    ("usual", "marked", "values"),
    [
        ([str(10_000 + 7 * row) for row in range(60)], {3: "10021-*", 9: "10063 *"}, {3: 10_021, 9: 10_063}),
        ([f"{row / 4}" for row in range(60)], {3: "0.75?", 9: '"2.25'}, {3: 0.75, 9: 2.25}),
        ([f"2024-{1 + row % 12:02d}-11" for row in range(60)], {3: "2024-04-11 2024-04-11"}, {}),
    ],
)
def test_a_few_marked_values_are_read(usual: list[str], marked: dict[int, str], values: dict[int, float]) -> None:
    cells = [marked.get(row, text) for row, text in enumerate(usual)]
    outcome = prepared(cells)
    after = outcome.cleaned["x"].array.to_pylist()
    assert None not in after and {row: after[row] for row in values} == values
    changes = outcome.changes.to_pylist()
    assert {change["row"] - 1: change["before"] for change in changes if change["row"] - 1 in marked} == marked
    assert undo(outcome.changes, outcome.cleaned.to_table())["x"].to_pylist() == cells


def test_many_marked_values_mean_something() -> None:
    cells = [f"{row / 4}{'*' if row % 5 == 0 else ''}" for row in range(60)]
    assert prepared(cells).cleaned["x"].array.to_pylist() == cells
