"""Bins of histograms: whole steps that people count in, and as many possible values in each."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker_service.core.reporting.charts.bins import FEWEST_BINS, Bins, number_bins, time_edges

DAY = 86_400_000_000


def bins_of(values: npt.ArrayLike) -> Bins:
    ordered = np.sort(np.asarray(values))
    return number_bins(ordered, float(ordered[0]), float(ordered[-1]))


def counts_of(values: npt.ArrayLike, bins: Bins) -> npt.NDArray[np.int64]:
    ordered = np.sort(np.asarray(values))
    return np.diff(np.searchsorted(ordered, bins.edges))


@given(st.integers(-1000, 1000), st.integers(41, 5000), st.integers(1, 5))
def test_whole_numbers_that_are_equally_frequent_make_no_waves(low: int, size: int, step: int) -> None:
    values = np.arange(low, low + size) * step
    bins = bins_of(values)
    inner = counts_of(values, bins)[1:-1]
    assert np.ptp(inner) <= 0.02 * inner.max(initial=0), bins.edges


@pytest.mark.parametrize("step", [0.1, 0.25, 0.5, 0.05])
def test_a_grid_of_decimals_makes_no_waves(step: float) -> None:
    values = np.round(np.arange(0, 120) * step, 2)
    assert len(set(counts_of(values, bins_of(values))[1:-1].tolist())) <= 1


@pytest.mark.parametrize("seconds", [7, 11, 13])
def test_moments_on_a_grid_of_their_own_are_seen(seconds: int) -> None:
    ticks = 1_700_000_000_000_000 + 1_000_000 * seconds * np.arange(400)
    edges = time_edges(ticks, int(ticks[0]), int(ticks[-1]))
    counts = np.diff(np.searchsorted(ticks, edges))
    assert len(edges) > 5
    assert len(set(counts[1:-1].tolist())) == 1


@example([0.0, 0.0, 2.2708283702590566e-200, 2.2708283702590566e-200, 1.797693134862316e108])
@example([1e-199, 1e-199, 1.0, 1.0, 1.0, 1e199])
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=60).map(sorted),
)
def test_every_value_is_in_a_bin(values: list[float]) -> None:
    bins = bins_of(values)
    assert (np.diff(bins.edges) > 0).all() and np.isfinite(bins.edges).all()
    assert bins.edges[0] <= values[0] and bins.edges[-1] >= values[-1]


def test_edges_of_decimals_are_round() -> None:
    random = np.random.default_rng(3)
    edges = bins_of(random.normal(50, 10, 5000)).edges
    steps = np.diff(edges)
    assert np.allclose(steps, steps[0]) and round(steps[0], 9) in (1.0, 2.0, 5.0)
    assert np.allclose(edges / steps[0], np.round(edges / steps[0]))


def test_what_one_bar_would_hide_has_a_logarithmic_axis() -> None:
    random = np.random.default_rng(5)
    values = random.lognormal(3, 2.5, 4000)
    bins = bins_of(values)
    assert bins.scale == "log"
    assert counts_of(values, bins).max() < 0.5 * len(values) and counts_of(values, bins).sum() == len(values)
    both = np.concatenate([values, -values[:500], np.zeros(50)])
    bins = bins_of(both)
    assert bins.scale == "symlog" and bins.linear_within is not None
    assert counts_of(both, bins).sum() == len(both)
    assert counts_of(both, bins).max() < 0.5 * len(both)


def test_an_ordinary_skew_stays_linear() -> None:
    assert bins_of(np.random.default_rng(7).gamma(2, 20, 3000)).scale == "linear"


@pytest.mark.parametrize(
    ("days", "unit"), [(2, "D"), (300, "D"), (3000, "M"), (40_000, "Y")], ids=["hours", "days", "months", "years"]
)
def test_times_have_edges_where_calendars_have_them(days: int, unit: str) -> None:
    first = int(np.datetime64("1999-03-05T07:11", "us").astype(np.int64))
    ticks = np.sort(np.random.default_rng(1).integers(first, first + days * DAY, 2000))
    edges = time_edges(ticks, int(ticks[0]), int(ticks[-1])).astype(np.int64)
    assert edges[0] <= ticks[0] and edges[-1] > ticks[-1] and len(edges) > FEWEST_BINS
    moments = edges.astype("datetime64[us]")
    if days > 2:
        assert (moments.astype(f"datetime64[{unit}]").astype("datetime64[us]") == moments).all()
    else:
        assert (edges % 3_600_000_000 == 0).all()


def test_days_are_not_cut_in_half() -> None:
    ticks = np.arange(0, 20) * DAY
    edges = time_edges(ticks, 0, int(ticks[-1]))
    assert set(np.diff(edges) % DAY) == {0.0}
    assert len(set(np.diff(np.searchsorted(ticks, edges))[:-1].tolist())) == 1
