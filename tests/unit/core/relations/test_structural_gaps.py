"""Gaps that follow from something are told from gaps that are spread at random."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.profile import profile
from worker_service.core.relations.structural_gaps import StructuralGap
from worker_service.core.table.frame import Frame

RNG = np.random.default_rng(11)
ROWS = 600
PRICE = RNG.lognormal(3, 1, ROWS).round(2)
HEATING = np.array(["gas", "oil", "none of it"])[RNG.integers(0, 3, ROWS)]
AGE = RNG.integers(3, 90, ROWS)


def structural_gaps(columns: dict[str, Any]) -> dict[str, StructuralGap]:
    gaps = profile(Frame.from_table(pa.table(columns))).structural_gaps
    return {gap.column: gap for gap in gaps}


def without(mask: Any, values: Any = PRICE) -> pa.Array:
    return pa.array(values, mask=np.asarray(mask))


def test_gaps_that_follow_from_a_level() -> None:
    columns = {"heating": HEATING, "boiler_price": without(HEATING == "none of it")}
    gap = structural_gaps(columns)["boiler_price"]
    assert (gap.pattern, gap.by, gap.level) == ("level", "heating", "none of it")


def test_gaps_that_follow_from_a_level_with_a_few_others() -> None:
    gap = structural_gaps({"heating": HEATING, "boiler": without((HEATING == "none of it") | (PRICE > 60))})["boiler"]
    assert (gap.pattern, gap.by, gap.level) == ("level", "heating", "none of it")


@pytest.mark.parametrize(("mask", "pattern"), [(AGE < 16, "below"), (AGE >= 70, "above")])
def test_gaps_that_follow_from_a_bound(mask: Any, pattern: str) -> None:
    gap = structural_gaps({"age": AGE, "wage": without(mask)})["wage"]
    assert (gap.pattern, gap.by) == (pattern, "age")
    assert gap.bound is not None
    assert 13 <= gap.bound <= 15 or 67 <= gap.bound <= 69


def test_countries_that_never_report() -> None:
    country = np.array([f"country {number}" for number in range(60)])[np.arange(ROWS) // 10]
    silent = np.isin(np.arange(ROWS) // 10, [3, 17, 44])
    assert structural_gaps({"country": country, "rate": without(silent)})["rate"].by == "country"


def test_columns_that_are_missing_together() -> None:
    gone = RNG.random(ROWS) < 0.05
    gaps = structural_gaps({"x": without(gone), "y": without(gone, PRICE[::-1]), "z": PRICE})
    assert {gap.pattern for gap in gaps.values()} == {"together"}
    assert gaps["x"].by == "y"


def test_whole_runs_of_rows() -> None:
    gone = (np.arange(ROWS) // 20) % 6 == 2
    noise = RNG.permutation(PRICE)
    assert structural_gaps({"x": without(gone), "noise": noise})["x"].pattern == "blocks"


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_gaps_at_random_are_not_structural(share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {
        "group": np.array([f"g{number}" for number in range(40)])[random.integers(0, 40, ROWS)],
        "flag": np.where(random.random(ROWS) < 0.1, "yes", "no"),
        "size": random.normal(50, 9, ROWS),
        "x": without(random.random(ROWS) < share),
        "y": without(random.random(ROWS) < share),
    }
    assert structural_gaps(columns) == {}


def test_gaps_that_are_only_more_frequent_in_a_group_are_not_structural() -> None:
    gone = RNG.random(ROWS) < np.where(HEATING == "gas", 0.3, 0.02)
    assert structural_gaps({"heating": HEATING, "x": without(gone)}) == {}


def test_rows_of_which_nothing_is_known() -> None:
    source = np.random.default_rng(3)
    empty = np.isin(np.arange(200), [20, 61, 88, 120, 155, 190])
    years = {str(year): source.normal(3, 1, 200) for year in range(2000, 2008)}
    late = {name: empty | (source.random(200) < 0.02 * number) for number, name in enumerate(years)}
    columns = {name: pa.array(values, mask=late[name]) for name, values in years.items()}
    assert structural_gaps(columns)["2000"].pattern == "together"


def test_a_block_with_a_few_gaps_elsewhere() -> None:
    mask = np.zeros(150, dtype=bool)
    mask[[3, 60, 61, 80]] = True
    mask[135:] = True
    values = np.random.default_rng(5).normal(900, 90, 150)
    assert structural_gaps({"melting_point": pa.array(values, mask=mask)})["melting_point"].pattern == "blocks"


def test_a_few_gaps_in_one_run_of_a_long_table() -> None:
    gone = (np.arange(ROWS) >= 200) & (np.arange(ROWS) < 204)
    assert structural_gaps({"x": without(gone), "noise": RNG.permutation(PRICE)})["x"].pattern == "blocks"
    alone = np.isin(np.arange(ROWS), [50, 200, 400, 500])
    assert structural_gaps({"x": without(alone), "noise": RNG.permutation(PRICE)}) == {}


def test_two_rows_in_which_nothing_was_measured() -> None:
    gone = np.isin(np.arange(ROWS), [50, 400])
    gaps = structural_gaps({"x": without(gone), "y": without(gone, PRICE[::-1]), "z": PRICE})
    assert {gap.pattern for gap in gaps.values()} == {"together"}
    apart = np.isin(np.arange(ROWS), [51, 401])
    assert structural_gaps({"x": without(gone), "y": without(apart, PRICE[::-1]), "z": PRICE}) == {}
