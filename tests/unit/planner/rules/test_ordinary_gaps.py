"""Only ordinary gaps are filled in the cleaned table; the engineered one has none."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

RNG = np.random.default_rng(23)
ROWS = 500
SIZE = RNG.normal(50, 12, ROWS).round(1)
KIND = np.where(SIZE > 50, "large", "small")


def prepared(columns: dict[str, Any], **options: Any) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target="none"), RunOptions(**options)), frame)


def gaps(values: Any, share: float = 0.1) -> pa.Array:
    return pa.array(values, mask=np.random.default_rng(3).random(ROWS) < share)


def left(outcome: Outcome, column: str) -> str:
    """Return why the gaps of a column were left, and see that the engineered table has none."""
    (flag,) = (result for result in outcome.results if result.rule == "left_missing" and result.columns == (column,))
    assert outcome.cleaned[column].missing
    assert all(values.missing == 0 for values in outcome.engineered.columns.values())
    return flag.why


def test_an_ordinary_gap_is_filled() -> None:
    outcome = prepared({"weight": gaps(SIZE), "noise": RNG.normal(0, 1, ROWS)})
    assert outcome.cleaned["weight"].missing == 0


@pytest.mark.parametrize(
    ("name", "values", "share", "why"),
    [
        ("weight", SIZE, 0.3, "above 20 % a fill has to be asked for"),
        ("gender", KIND, 0.1, "attribute of persons"),
        ("raceEthnicity", KIND, 0.1, "attribute of persons"),
        ("Q4_2", KIND, 0.1, "no answer is not an answer"),
        ("vendorId", RNG.integers(1, 400, ROWS), 0.1, "can't be guessed"),
        ("payment_type", RNG.integers(1, 6, ROWS), 0.1, "codes, ratings, years or coordinates"),
        ("year_built", RNG.integers(1880, 2020, ROWS), 0.1, "codes, ratings, years or coordinates"),
        ("longtitude", SIZE, 0.1, "codes, ratings, years or coordinates"),
        ("colour", np.array(["red", "green", "blue"])[RNG.integers(0, 3, ROWS)], 0.1, "no other column tells it"),
    ],
)
def test_other_gaps_are_left(name: str, values: Any, share: float, why: str) -> None:
    outcome = prepared({"size": SIZE, name: gaps(values, share)})
    assert why in left(outcome, name)


def test_a_user_decides() -> None:
    columns = {"size": SIZE, "gender": gaps(KIND), "weight": gaps(SIZE * 2 + 1, 0.4)}
    asked = prepared(columns, fill="all")
    assert asked.cleaned["gender"].missing == asked.cleaned["weight"].missing == 0
    refused = prepared({"weight": gaps(SIZE), "noise": RNG.normal(0, 1, ROWS)}, fill="none")
    assert "nothing was to be filled" in left(refused, "weight")


def test_cells_that_held_something_are_never_filled() -> None:
    cells = [f"{value}" for value in SIZE]
    cells[3], cells[9], cells[40], cells[77] = "x5957", "rotary", "", ""
    outcome = prepared({"weight": cells, "noise": RNG.normal(0, 1, ROWS)})
    weight = outcome.cleaned["weight"].array.to_pylist()
    assert [weight[3], weight[9]] == [None, None]
    assert None not in (weight[40], weight[77])
    assert outcome.engineered["weight"].missing == 0


def test_none_may_mean_none_of_it() -> None:
    cells = [str(round(value)) if row % 11 else "None" for row, value in enumerate(SIZE)]
    assert "may mean none of it" in left(prepared({"size": RNG.normal(0, 1, ROWS), "children": cells}), "children")
