"""Fences include the values that a distribution explains and exclude errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.columns.decimal_shifts import find_decimal_shifts
from worker_service.core.stats.fences import medcouple
from worker_service.core.stats.summary import Fences, summarise_numbers
from worker_service.core.table.frame import Column


def fences(values: Any, method: str = "iqr") -> Fences:
    result = getattr(summarise_numbers(Column(pa.array(np.asarray(values, dtype=float)))), method)
    assert isinstance(result, Fences)
    return result


CLEAN: dict[str, tuple[Callable[[np.random.Generator], Any], str]] = {
    "lognormal": (lambda rng: rng.lognormal(0, 1, 10_000), "skewed"),
    "exponential": (lambda rng: rng.exponential(1, 10_000), "skewed"),
    "pareto": (lambda rng: 1 + rng.pareto(3, 10_000), "skewed"),
    "lomax": (lambda rng: rng.pareto(3, 10_000), "skewed"),
    "left": (lambda rng: -rng.exponential(1, 10_000), "skewed"),
    "laplace": (lambda rng: rng.laplace(0, 1, 10_000), "heavy_tails"),
    "student": (lambda rng: rng.standard_t(3, 10_000), "heavy_tails"),
    "normal": (lambda rng: rng.normal(0, 1, 10_000), "even"),
}


@pytest.mark.parametrize("method", ["iqr", "zscore"])
@pytest.mark.parametrize("name", CLEAN)
def test_clean_distributions_keep_nearly_all_their_values(name: str, method: str) -> None:
    draw, shape = CLEAN[name]
    for seed in range(5):
        result = fences(draw(np.random.default_rng(seed)), method)
        assert result.outside <= 100
        assert result.shape == shape


@pytest.mark.parametrize("method", ["iqr", "zscore"])
@pytest.mark.parametrize("zeros", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("name", ["lognormal", "exponential", "pareto", "normal"])
def test_zeros_do_not_make_the_others_outliers(name: str, zeros: float, method: str) -> None:
    rng = np.random.default_rng(2)
    values = np.abs(100 * CLEAN[name][0](rng))
    values[rng.random(len(values)) < zeros] = 0
    result = fences(values, method)
    assert result.far <= 10
    assert result.spike in (None, 0)


@pytest.mark.parametrize("zeros", [0.3, 0.6, 0.85])
def test_errors_are_far_out_beside_zeros(zeros: float) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(500, 60, 2000).round(1)
    values[rng.random(2000) < zeros] = 0
    values[np.flatnonzero(values)[:8]] *= 100
    result = fences(values)
    assert result.far == 8
    assert result.spike == (0 if zeros > 0.75 else None)
    assert find_decimal_shifts(Column(pa.array(values)))[0].count == 8


@pytest.mark.parametrize("method", ["iqr", "zscore"])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.03])
def test_an_error_in_a_symmetric_column_is_outside(share: float, method: str) -> None:
    values = np.random.default_rng(1).normal(100, 10, 2000)
    shifted = int(share * len(values))
    values[:shifted] *= 100
    result = fences(values, method)
    assert result.upper is not None and result.upper < values[:shifted].min()


@pytest.mark.parametrize("name", ["lognormal", "exponential"])
def test_an_error_in_a_skewed_column_is_outside(name: str) -> None:
    values = 50 * CLEAN[name][0](np.random.default_rng(1))
    shift = 100 * float(np.median(values))
    result = fences([*values, *[shift] * 20])
    assert result.upper is not None and result.upper < shift


def test_medcouple_has_the_sign_of_the_skew() -> None:
    quantiles = -np.log1p(-np.linspace(0, 0.999, 401))
    assert medcouple(quantiles) == pytest.approx(0.34, abs=0.02)
    assert medcouple(-quantiles[::-1]) == pytest.approx(-medcouple(quantiles))
    assert medcouple(np.arange(9.0)) == medcouple(np.zeros(5)) == 0
