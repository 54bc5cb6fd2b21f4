"""Shifted decimal points are restored, while second groups and single far values are left alone."""

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.columns.decimal_shifts import find_decimal_shifts, restore_decimal_points
from worker_service.core.table.frame import Column

RNG = np.random.default_rng(7)
WEIGHTS = RNG.normal(72, 9, 500).round(1)


@pytest.mark.parametrize("factor", [10.0, 100.0, 1000.0, 0.1, 0.01])
def test_decimal_shifts_are_restored(factor: float) -> None:
    written = WEIGHTS.copy()
    written[::60] = np.round(written[::60] * factor, 6)
    (shift,) = find_decimal_shifts(Column(pa.array(written)))
    assert shift.factor == pytest.approx(factor)
    assert shift.count == len(written[::60])
    assert restore_decimal_points(Column(pa.array(written)), (shift,)).array.to_pylist() == WEIGHTS.tolist()


@pytest.mark.parametrize(
    "far_values",
    [[7200.0], [7200.0] * 8, [7200.0, 7201.0, 7202.0], [150.0, 160.0, 170.0], list(RNG.normal(7200, 900, 200))],
    ids=["one", "the same", "alike", "near", "a second group"],
)
def test_other_far_values_are_no_decimal_shifts(far_values: list[float]) -> None:
    assert find_decimal_shifts(Column(pa.array([*WEIGHTS, *far_values]))) == ()


@pytest.mark.parametrize("seed", range(8))
def test_wide_columns_have_no_decimal_shifts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wide = (rng.lognormal(6, 1, 2000), rng.lognormal(0, 2, 2000), rng.pareto(1, 2000), rng.exponential(3, 2000))
    for values in wide:
        assert find_decimal_shifts(Column(pa.array(values.round(2)))) == ()


def test_shifted_small_values_may_lie_among_the_others() -> None:
    years = RNG.uniform(0, 9, 500).round(1)
    written = years.copy()
    written[::50] = np.round(written[::50] * 100)
    (shift,) = find_decimal_shifts(Column(pa.array(written)))
    assert shift.factor == 100
    assert np.isclose(restore_decimal_points(Column(pa.array(written)), (shift,)).numbers(), years).mean() > 0.99


def test_whole_numbers_stay_whole() -> None:
    ages = [int(age) for age in RNG.integers(20, 80, 400)]
    column = Column(pa.array([*ages, 2500, 4100, 7300, None]))
    (shift,) = find_decimal_shifts(column)
    assert restore_decimal_points(column, (shift,)).array.to_pylist() == [*ages, 25, 41, 73, None]
    assert find_decimal_shifts(Column(pa.array([*ages, 2501, 4103, 7307]))) == ()
