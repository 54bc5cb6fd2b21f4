"""How many workers a queue should have: a pure function of what was seen so far."""

from dataclasses import dataclass, replace

from shared.db.runs import QueueLoad


@dataclass(frozen=True, kw_only=True)
class ScalingPolicy:
    """When workers of a queue are started and stopped."""

    scale_up: int = 50
    """More waiting runs than this start workers;"""
    scale_down: int = 10
    """fewer than this, for a whole cool-down, stop them."""
    step: int = 1
    """How many at a time."""
    minimum: int = 1
    maximum: int = 20
    up_seconds: float = 10.0
    """The shortest time between two starts, in which new workers show what they can do."""
    cooldown_seconds: float = 60.0
    """How long a queue has to be short before workers are stopped, so that their number never flaps."""

    def __post_init__(self) -> None:
        """Check that the values fit together.

        Raises:
            ValueError: they do not; the message names the option.
        """
        if min(self.minimum, self.maximum, self.scale_up, self.scale_down) < 0:
            raise ValueError("--min, --max, --scale-up and --scale-down must not be negative")
        if self.minimum > self.maximum or self.maximum < 1:
            raise ValueError("--min must not be above --max, and --max at least 1")
        if self.scale_down >= self.scale_up:
            raise ValueError("--scale-down must be below --scale-up, or the number of workers would flap")
        if self.step < 1:
            raise ValueError("--workers-per-scale must be at least 1")


@dataclass(frozen=True)
class ScalingState:
    """The number of workers of a queue, and since when its load has been low."""

    workers: int
    changed_at: float
    """When workers were started or stopped last, in seconds of one clock."""
    short_since: float | None = None
    """Since when the queue has been short enough for fewer workers; None if it is not."""


def next_state(policy: ScalingPolicy, state: ScalingState, load: QueueLoad, now: float) -> ScalingState:
    """Return how many workers there should be.

    Args:
        policy: when workers are started and stopped.
        state: what was decided before, with the workers that there really are.
        load: the runs of the queue.
        now: the time by the clock of `state`.
    """
    is_short = load.ready < policy.scale_down
    short_since = None if not is_short else now if state.short_since is None else state.short_since
    state = replace(state, short_since=short_since)
    target = max(policy.minimum, min(state.workers, policy.maximum))
    if target == 0 and load.ready:
        # Nobody would ever take it, however short the queue is.
        target = 1
    elif load.ready > policy.scale_up and now - state.changed_at >= policy.up_seconds:
        target = min(policy.maximum, max(target, state.workers + policy.step))
    elif short_since is not None and _may_stop(policy, state, load, short_since, now):
        target = max(_fewest(policy, load), state.workers - policy.step)
    if target == state.workers:
        return state
    return ScalingState(workers=target, changed_at=now)


def _may_stop(policy: ScalingPolicy, state: ScalingState, load: QueueLoad, short_since: float, now: float) -> bool:
    is_over = min(now - short_since, now - state.changed_at) >= policy.cooldown_seconds
    return is_over and state.workers > _fewest(policy, load)


def _fewest(policy: ScalingPolicy, load: QueueLoad) -> int:
    """Return the fewest workers: at least one while a run waits or is executed."""
    return max(policy.minimum, 1 if load.ready or load.running else 0)
