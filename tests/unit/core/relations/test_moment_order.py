"""Moments that are before what they follow are reported and stay."""

import numpy as np
import pyarrow as pa

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.relations.moment_order import MomentOrder, find_moment_orders
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

ROWS = 200
DAY = np.timedelta64(86_400_000_000, "us")
ORDERED = np.datetime64("2024-01-01", "us") + np.random.default_rng(1).integers(0, 300, ROWS) * DAY
DELAY = np.random.default_rng(2).integers(1, 9, ROWS) * DAY


def orders(**columns: np.ndarray) -> tuple[MomentOrder, ...]:
    return find_moment_orders({name: Column(pa.array(values)) for name, values in columns.items()})


def test_rows_that_break_an_order_are_reported_and_stay() -> None:
    delivered = ORDERED + DELAY
    delivered[[6, 90]] -= 30 * DAY
    frame = Frame.from_table(pa.table({"ordered": ORDERED, "delivered": delivered}))
    outcome = apply(propose(profile(frame), RunOptions()), frame)
    assert outcome.cleaned.to_table().equals(frame.to_table())
    assert [result.why for result in outcome.results if result.rule == "moment_order"] == [
        "“delivered” is before “ordered” in 2 rows (row 7 and row 91) and after it in nearly all of 200 rows. "
        "Either may be wrong, so both were left as they are."
    ]


def test_an_order_that_every_row_keeps_needs_no_word() -> None:
    assert orders(ordered=ORDERED, delivered=ORDERED + DELAY) == ()


def test_columns_of_different_times_are_in_no_order() -> None:
    random = np.random.default_rng(3)
    later = np.datetime64("2024-09-15", "us") + random.integers(0, 300, ROWS) * DAY
    broken = (later < ORDERED).mean()
    assert 0 < broken < 0.02
    assert orders(hired=ORDERED, trained=later) == ()


def test_nearly_equal_moments_are_in_no_order() -> None:
    noted = ORDERED.copy()
    noted[5] -= DAY
    noted[9] += DAY
    assert orders(made=ORDERED, noted=noted) == ()


def test_missing_moments_do_not_count() -> None:
    delivered = ORDERED + DELAY
    delivered[0] = ORDERED[0] - DAY
    delivered[1:100] = np.datetime64("NaT")
    (order,) = orders(ordered=ORDERED, delivered=delivered)
    assert (order.earlier, order.later, order.rows, order.broken, order.examples) == (
        "ordered",
        "delivered",
        101,
        1,
        (1,),
    )
