"""Values that two columns have swapped are reported and stay."""

from typing import Any

import pyarrow as pa

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.relations.swapped_values import Swap, find_swaps
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose


def visits() -> dict[str, list[Any]]:
    pairs = [("Berlin", "Germany"), ("Paris", "France"), ("Rome", "Italy")]
    return {
        "city": [pairs[row % 3][0] for row in range(120)],
        "country": [pairs[row % 3][1] for row in range(120)],
        "sky": [("clear", "grey", "dark", "wild")[row % 4] for row in range(120)],
    }


def test_swapped_cells_are_reported_and_stay() -> None:
    columns = visits()
    columns["city"][4], columns["country"][4] = columns["country"][4], columns["city"][4]
    frame = Frame.from_table(pa.table(columns))
    outcome = apply(propose(profile(frame), RunOptions()), frame)
    assert outcome.cleaned.to_table().to_pydict() == columns
    assert [result.why for result in outcome.results if result.rule == "swapped_values"] == [
        "“city” and “country” seem to be swapped in 1 row (row 5): each value belongs to the other column. "
        "It was left as it is."
    ]


def test_columns_of_the_same_kind_are_not_swapped() -> None:
    columns = visits()
    flights = {"from": columns["city"], "to": [*columns["city"][1:], "Berlin"], "gap": [None] * 120}
    for cells in (columns, flights):
        assert find_swaps({name: Column(pa.array(texts, pa.string())) for name, texts in cells.items()}) == ()


def test_a_single_foreign_value_is_no_swap() -> None:
    columns = visits()
    columns["city"][4] = "Germany"
    columns["country"][5] = None
    columns["city"][5] = "Italy"
    assert find_swaps({name: Column(pa.array(texts)) for name, texts in columns.items()}) == ()


def test_swaps_are_counted() -> None:
    columns = visits()
    for row in (10, 71):
        columns["city"][row], columns["country"][row] = columns["country"][row], columns["city"][row]
    swaps = find_swaps({name: Column(pa.array(texts)) for name, texts in columns.items()})
    assert swaps == (Swap(first="city", second="country", rows=2, examples=(11, 72)),)
