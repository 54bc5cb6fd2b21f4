"""Tests of sentinels: numbers that stand for missing are masked, other numbers are kept."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.sentinels import find_sentinels
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

RNG = np.random.default_rng(4)
AGES = [int(age) for age in RNG.integers(18, 81, 200)]
PRICES = [float(price) for price in np.round(RNG.lognormal(3, 1, 1000), 2)]
WARMTH = [float(degrees) for degrees in np.round(RNG.normal(12, 8, 400), 1)]


def sentinels(cells: Any) -> list[tuple[float, int]]:
    return [(sentinel.value, sentinel.count) for sentinel in find_sentinels(Column(pa.array(cells))).sure]


def prepared(columns: dict[str, Any], target: str | None = None, **options: Any) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target), RunOptions(**options)), frame)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([*AGES, *[999] * 73], [(999, 73)]),
        ([*AGES * 10, *[999] * 5], [(999, 5)]),
        ([*[1, 2, 3, 4, 5] * 40, *[99] * 9], [(99, 9)]),
        ([*AGES, *[-1] * 5], [(-1, 5)]),
        ([*AGES, *[999] * 9, *[-1] * 5, *[9999] * 4], [(9999, 4), (999, 9), (-1, 5)]),
        ([*WARMTH, *[-999.0] * 6], [(-999, 6)]),
        ([*WARMTH, *[9999.0] * 6], [(9999, 6)]),
        ([*PRICES, *[-999.0] * 6], [(-999, 6)]),
        ([*PRICES, *[99999.0] * 20], [(99999, 20)]),
    ],
)
def test_taken_for_missing(cells: list[float], expected: list[tuple[float, int]]) -> None:
    assert sentinels(cells) == expected


@pytest.mark.parametrize(
    "cells",
    [
        [*AGES, 999, 999],
        [*AGES, *[99] * 9],
        [*AGES, *[998] * 9],
        [*AGES, *[0] * 9],
        [*PRICES, *[99.0] * 20],
        [*(round(price * 500) for price in PRICES), *[99_999] * 20],
        [*WARMTH, *[-1.0] * 9],
        [*[1, 2, 3, 4, 5] * 40, *[9] * 9],
        list(range(900, 1000)) * 3,
        [5.0] * 100 + [999.0] * 50,
    ],
)
def test_left_as_it_is(cells: list[float]) -> None:
    assert sentinels(cells) == []


def test_everything_else_is_computed_without_them() -> None:
    with_gaps, with_sentinels = ([*AGES, *[mark] * 21] for mark in (None, 999))
    other = list(RNG.normal(0, 1, 221))
    plain, marked = (prepared({"age": cells, "x": other}) for cells in (with_gaps, with_sentinels))
    assert marked.cleaned.equals(plain.cleaned)
    assert marked.engineered.equals(plain.engineered)
    assert undo(marked.changes, marked.cleaned.to_table())["age"].to_pylist() == [str(age) for age in with_sentinels]
    (masking,) = (result for result in marked.results if result.kind == "mask_sentinel")
    assert masking.cells_changed == 21
    assert masking.why == (
        "Took 21 cells of “age” that say 999 for missing. "
        "The other 200 known values lie between 18 and 80, far away, and 999 is often written for “not known”."
    )


def test_the_target_keeps_its_own() -> None:
    cells = [*AGES, *[999] * 21]
    outcome = prepared({"x": list(RNG.normal(0, 1, 221)), "age": cells}, target="age")
    assert outcome.engineered["age"].array.to_pylist() == cells
    sentences = [result.why for result in outcome.results if "age" in result.columns]
    assert (
        "“age” is the target: its 21 cells that say 999 stay, though that probably means missing; "
        "leave out those rows before training."
    ) in sentences
    assert "mask_sentinel" not in {result.kind for result in outcome.results}


def test_identifiers_and_codes_have_none() -> None:
    columns = {
        "customer_id": [*range(1000, 1200), *[999_999] * 5],
        "zip": [*(f"0{age}" for age in AGES), *["9999"] * 5],
    }
    assert all(not column.sentinels for column in profile(Frame.from_table(pa.table(columns))).columns)


@pytest.mark.parametrize(("others", "code"), [(RNG.normal(120, 12, 400).round().tolist(), 0), ([*range(11)] * 20, 98)])
def test_what_may_be_a_code_is_asked_and_not_capped(others: list[float], code: int) -> None:
    outcome = prepared({"value": [*others, *[float(code)] * 20], "x": RNG.normal(0, 1, len(others) + 20)})
    assert outcome.cleaned["value"].numbers().tolist()[-20:] == [code] * 20
    (asked,) = (result for result in outcome.results if result.rule == "stands_apart")
    assert f"{code} (20 cells), far from all other values" in asked.why
