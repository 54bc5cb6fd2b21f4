"""What the real scaler makes of bursts, slopes and a deep queue that sleeps, by the formula of Kubernetes."""

from itertools import pairwise

import pytest

from tests.bench.autoscaling import SCENARIOS, Course, simulate


def directions(pods: list[int]) -> list[int]:
    """Return the direction of each change, 1 or -1."""
    return [1 if after > before else -1 for before, after in pairwise(pods) if after != before]


async def course(name: str) -> Course:
    return await simulate(next(scenario for scenario in SCENARIOS if name in scenario.name))


@pytest.mark.parametrize("name", ["burst", "slope"])
async def test_pods_follow_the_work_up_and_down_once(name: str) -> None:
    result = await course(name)
    assert max(result.pods) == 20
    assert result.pods[-1] == 1
    assert result.work[-1] == 0
    ups = directions(result.pods)
    # Up as long as there is more, then down: never to and fro.
    assert ups == sorted(ups, reverse=True)


async def test_a_deep_queue_wakes_at_once_and_sleeps_again() -> None:
    result = await course("deep")
    assert result.pods[59] == 0
    assert result.pods[60] == 1
    asleep = next(second for second in range(61, 1500) if result.pods[second] == 0)
    # Not while the run is executed, and not before the cool-down is over.
    assert result.work[asleep] == 0
    assert asleep >= 60 + 240 + 300
    assert result.pods[1500] == 1
    assert result.pods[-1] == 0
