"""Drift is what differs more than two samples from one source do."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.drift.baseline import ColumnBaseline, measure_baseline
from worker_service.core.drift.drift import Aspect, Verdict, compare_column
from worker_service.core.table.frame import Column

ROWS = 1500
Values = np.ndarray


def normal(random: np.random.Generator) -> Values:
    return random.normal(50, 10, ROWS)


def skewed(random: np.random.Generator) -> Values:
    return random.lognormal(3, 1, ROWS).round(2)


def counts(random: np.random.Generator) -> Values:
    return random.poisson(4, ROWS)


def codes(random: np.random.Generator) -> Values:
    return random.integers(0, 10**12, ROWS)


def cities(random: np.random.Generator) -> Values:
    return random.choice(["Oslo", "Rome", "Lima", "Bonn"], ROWS, p=[0.4, 0.3, 0.2, 0.1])


def rare_words(random: np.random.Generator) -> Values:
    return np.array([f"w{number}" for number in np.minimum(random.zipf(2.0, ROWS), 80)])


def notes(random: np.random.Generator) -> Values:
    return np.array([f"{random.integers(10**9)} " + "x" * length for length in random.integers(10, 60, ROWS)])


def flags(random: np.random.Generator) -> Values:
    return random.random(ROWS) < 0.3


SOURCES = [normal, skewed, counts, codes, cities, rare_words, notes, flags]


def column(values: Values, missing: np.ndarray | None = None) -> Column:
    return Column(pa.array(values.tolist(), mask=missing))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_samples_from_one_source_are_stable(source: Callable[[np.random.Generator], Values]) -> None:
    verdicts = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        before = measure_baseline(column(source(random)))
        verdicts.append(compare_column("x", before, column(source(random))).verdict)
    assert verdicts.count("stable") >= 39


def shifted(values: Values) -> Values:
    return values + 10


def in_another_unit(values: Values) -> Values:
    return values * 2.2046


def with_outliers(values: Values) -> Values:
    return np.where(np.arange(len(values)) % 50 == 0, 10_000, values)


def doubled(values: Values) -> Values:
    return np.concatenate([values[: ROWS // 2], values[: ROWS // 2]])


def renamed(values: Values) -> Values:
    return np.where(values == "Rome", "Roma", values)


def other_shares(values: Values) -> Values:
    return np.where(np.arange(len(values)) % 2 == 0, values[0], values)


def other_words(values: Values) -> Values:
    return np.array([f"{value}!" for value in values])


def longer(values: Values) -> Values:
    return np.array([f"{value} and so on and so forth" for value in values])


@pytest.mark.parametrize(
    ("source", "change", "verdict", "aspect"),
    [
        (normal, shifted, "moved", "distribution"),
        (skewed, in_another_unit, "moved", "distribution"),
        (counts, with_outliers, "moved", "range"),
        (codes, doubled, "moved", "unique"),
        (cities, renamed, "moved", "levels"),
        (cities, other_shares, "moved", "distribution"),
        (cities, other_words, "broken", "levels"),
        (notes, longer, "moved", "distribution"),
        (flags, np.logical_not, "moved", "distribution"),
    ],
)
def test_a_change_is_noticed(
    source: Callable[[np.random.Generator], Values],
    change: Callable[[Values], Values],
    verdict: Verdict,
    aspect: Aspect,
) -> None:
    random = np.random.default_rng(1)
    before = measure_baseline(column(source(random)))
    drift = compare_column("x", before, column(change(source(random))))
    assert drift.verdict == verdict
    assert aspect in drift.aspects
    assert len(drift.findings) == len(drift.aspects)
    assert all(finding.endswith(".") for finding in drift.findings)


def test_the_factor_of_another_unit_is_named() -> None:
    random = np.random.default_rng(2)
    drift = compare_column("x", measure_baseline(column(skewed(random))), column(in_another_unit(skewed(random))))
    assert drift.scale == pytest.approx(2.2046, rel=0.1)
    assert "unit may be another" in drift.findings[0]


def test_cells_that_go_missing_or_do_not_fit() -> None:
    random = np.random.default_rng(3)
    before = measure_baseline(column(normal(random)))
    now = column(normal(random), random.random(ROWS) < 0.2)
    missing = compare_column("x", before, now)
    assert (missing.verdict, missing.aspects) == ("moved", ("missing",))
    assert missing.missing_share[1] == pytest.approx(0.2, abs=0.05)
    unfit = compare_column("x", before, now, unfit=now.missing)
    assert (unfit.verdict, unfit.aspects) == ("broken", ("unfit",))
    assert unfit.findings[0].startswith(f"{unfit.unfit_share[1] * 100:.1f} % of the cells do not fit")


def test_hidden_values_are_not_in_the_baseline() -> None:
    baseline = measure_baseline(column(cities(np.random.default_rng(4))), is_hidden=True)
    assert (baseline.levels, baseline.counts, baseline.minimum) == (None, (), None)
    assert compare_column("x", baseline, column(np.array(["Lima"] * 20))).verdict == "stable"


def test_nothing_and_something() -> None:
    empty = Column(pa.nulls(30, pa.float64()))
    baseline = measure_baseline(empty)
    assert compare_column("x", baseline, empty).verdict == "stable"
    full = column(np.arange(30) / 7)
    assert compare_column("x", baseline, full).aspects == ("missing",)
    assert compare_column("x", measure_baseline(full), empty).verdict == "broken"
    assert compare_column("x", measure_baseline(full), Column(pa.nulls(0, pa.float64()))).verdict == "stable"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_baseline_is_json(source: Callable[[np.random.Generator], Values]) -> None:
    baseline = measure_baseline(column(source(np.random.default_rng(5))))
    assert ColumnBaseline.model_validate_json(baseline.model_dump_json()) == baseline
    assert baseline.rows == ROWS
    assert sum(baseline.counts) in (0, ROWS)
