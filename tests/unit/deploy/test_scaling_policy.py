"""How many workers there should be."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.autoscaler.policy import ScalingPolicy, ScalingState, next_state
from shared.db.runs import QueueLoad

FAST = ScalingPolicy(minimum=1, maximum=20)
DEEP = ScalingPolicy(minimum=0, maximum=5)


def workers_over_time(policy: ScalingPolicy, loads: list[QueueLoad], *, interval: float = 5.0) -> list[int]:
    """Return the number of workers after each look."""
    state, counts = ScalingState(workers=0, changed_at=float("-inf")), []
    for index, load in enumerate(loads):
        state = next_state(policy, state, load, index * interval)
        counts.append(state.workers)
    return counts


def test_a_long_queue_starts_workers_one_by_one_up_to_the_most() -> None:
    counts = workers_over_time(FAST, [QueueLoad(ready=200)] * 60)
    assert counts[:6] == [1, 1, 2, 2, 3, 3]
    assert counts[-1] == max(counts) == 20


def test_a_short_queue_stops_them_after_the_cooldown() -> None:
    counts = workers_over_time(FAST, [QueueLoad(ready=200)] * 9 + [QueueLoad(running=1)] * 80)
    assert counts[8] == 5
    assert counts[9:20] == [5] * 11
    assert counts[-1] == 1


def test_between_the_marks_nothing_changes() -> None:
    counts = workers_over_time(FAST, [QueueLoad(ready=200)] * 5 + [QueueLoad(ready=30)] * 100)
    assert set(counts[5:]) == {counts[4]}


def test_a_queue_without_workers_wakes_for_one_run_and_sleeps_again() -> None:
    idle, due, busy = QueueLoad(), QueueLoad(ready=1), QueueLoad(running=1)
    counts = workers_over_time(DEEP, [idle] * 3 + [due] + [busy] * 40 + [idle] * 20)
    assert counts[:4] == [0, 0, 0, 1]
    assert set(counts[4:44]) == {1}
    assert counts[-1] == 0


@given(st.lists(st.integers(0, 120), min_size=1, max_size=120))
def test_the_number_keeps_its_bounds_and_never_flaps(ready: list[int]) -> None:
    counts = workers_over_time(FAST, [QueueLoad(ready=cells) for cells in ready])
    assert all(1 <= count <= 20 for count in counts)
    changes = [(index, after - before) for index, (before, after) in enumerate(pairwise(counts))]
    downs = [index for index, change in changes if change < 0]
    for index, change in changes:
        assert change in (-1, 0, 1)
        if change < 0:
            # For a whole cool-down before, nothing was started and the queue was short.
            assert all(cells < FAST.scale_down for cells in ready[max(0, index - 10) : index + 1])
            assert not [other for other in downs if 0 < index - other < 11]


@pytest.mark.parametrize(
    "change",
    [{"minimum": 3, "maximum": 2}, {"maximum": 0, "minimum": 0}, {"scale_up": 10, "scale_down": 10}, {"step": 0}],
)
def test_values_have_to_fit_together(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="--"):
        replace(FAST, **change)
