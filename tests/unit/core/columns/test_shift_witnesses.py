"""A shifted decimal point needs a witness in another column; without one the value stays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.decimal_shifts import DecimalShift
from worker_service.core.columns.shift_witnesses import find_witness
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

RNG = np.random.default_rng(4)
ROWS = 400
LENGTH = RNG.normal(70, 9, ROWS).round(1)
WIDTH = (LENGTH * RNG.normal(1, 0.03, ROWS)).round(1)
SHIFTED = np.arange(ROWS) % 60 == 7


def prepared(columns: dict[str, Any]) -> tuple[Outcome, Frame]:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target="none"), RunOptions()), frame), frame


def shifted(values: Any, factor: float) -> Any:
    return np.where(SHIFTED, np.round(values * factor, 6), values)


@pytest.mark.parametrize("factor", [10.0, 100.0, 1000.0, 0.1])
def test_a_sister_column_is_a_witness(factor: float) -> None:
    outcome, frame = prepared({"length": shifted(LENGTH, factor), "width": WIDTH, "noise": RNG.normal(0, 1, ROWS)})
    assert outcome.cleaned["length"].numbers().tolist() == LENGTH.tolist()
    (rescaled,) = (result for result in outcome.results if result.kind == "rescale")
    assert "“width” fits to the values meant, not to those written." in rescaled.why
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))


def test_a_sum_is_a_witness() -> None:
    parts = {name: RNG.uniform(20, 60, ROWS).round(2) for name in ("food", "rent")}
    total = np.round(sum(parts.values()), 2)
    outcome, _ = prepared({**parts, "total": shifted(total, 100.0)})
    assert outcome.cleaned["total"].numbers().tolist() == total.tolist()


def test_a_sum_that_adds_up_is_never_broken() -> None:
    parts = {name: RNG.uniform(20, 60, ROWS).round(2) for name in ("food", "rent")}
    parts["rent"] = shifted(parts["rent"], 100.0)
    total = np.round(parts["food"] + parts["rent"], 2)
    outcome, _ = prepared({**parts, "total": total})
    assert outcome.cleaned["total"].numbers().tolist() == total.tolist()
    assert outcome.cleaned["rent"].numbers().tolist() == parts["rent"].tolist()


@pytest.mark.parametrize("other", [RNG.normal(0, 1, ROWS), RNG.lognormal(3, 1, ROWS)])
def test_without_a_witness_the_values_are_flagged(other: Any) -> None:
    written = shifted(LENGTH, 100.0)
    outcome, _ = prepared({"length": written, "other": other})
    assert outcome.cleaned["length"].numbers().tolist() == written.tolist()
    (flag,) = (result for result in outcome.results if result.rule == "possible_slip")
    assert "because no other column shows it" in flag.why


def test_records_that_a_sister_column_shares_are_true() -> None:
    outcome, _ = prepared({"length": shifted(LENGTH, 100.0), "width": shifted(WIDTH, 100.0)})
    assert not [result for result in outcome.results if result.kind == "rescale"]


def test_a_loose_ratio_does_not_show_which_power_is_meant() -> None:
    area = RNG.uniform(80, 120, ROWS)
    ratio = np.where(SHIFTED, 10**0.45, 10 ** RNG.uniform(-0.5, 0.5, ROWS))
    price = np.where(SHIFTED, area * ratio * 100, area * ratio)
    low, high = float(price[SHIFTED].min()), float(price[SHIFTED].max())
    shift = DecimalShift(
        factor=1000.0, lower=low, upper=high, count=7, examples=(high,), usual_lower=20.0, usual_upper=400.0
    )
    assert find_witness(shift, Column(pa.array(price)), {"area": Column(pa.array(area))}) is None
