"""Worlds to break, and the figures that breaking them gives."""

import random
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from tests.faults.world import World

_figures: list[str] = []


@pytest.fixture(scope="session")
async def world(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: None, lease_seconds: int
) -> AsyncIterator[World]:
    """Every process of the system and a second fast worker, with a directory for objects."""
    settings = {
        "LEASE_SECONDS": str(lease_seconds),
        "HEARTBEAT_SECONDS": str(lease_seconds / 3),
        "RECONCILE_SECONDS": str(lease_seconds / 6),
    }
    world = World(tmp_path_factory.mktemp("world"), settings=settings)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def mended(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Each test finds the world whole, and without anything left to do, however the one before it ended."""
    yield
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        await mend(world)
        await world.call_off(world.ledger)


async def mend(world: World) -> None:
    """Give back what was taken away."""
    world.disarm()
    for proxy in world.proxies.values():
        proxy.set("none")
    world.postgres.start()
    world.valkey.start()
    await world.ready()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seed` repeats what a random test did; `--lease 30` has workers be missed as late as in production."""
    parser.addoption("--lease", type=int, default=3, help="seconds after which a silent worker's run is taken over")
    parser.addoption("--seed", type=int, help="for the random faults; each session has another one by default")


@pytest.fixture(scope="session")
def lease_seconds(request: pytest.FixtureRequest) -> int:
    """After how long a silent worker's run is taken over."""
    chosen: int = request.config.getoption("--lease")
    return chosen


@pytest.fixture(scope="session")
def soak_seed(request: pytest.FixtureRequest) -> int:
    """What the random faults of this session come from."""
    chosen: int | None = request.config.getoption("--seed")
    return random.SystemRandom().randrange(1 << 30) if chosen is None else chosen


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> "Figure":
    """Keeps what a test measured, for the summary."""
    return Figure(request.node.name)


class Figure:
    """Writes measured figures down."""

    def __init__(self, test: str) -> None:
        self._test = test

    def __call__(self, sentence: str) -> None:
        _figures.append(f"{sentence}  [{self._test}]")

    def spread(self, what: str, seconds: Sequence[float]) -> None:
        """Median and 95th percentile of some durations."""
        p50, p95 = np.percentile(seconds, [50, 95])
        self(f"{what}: p50 {p50:.2f} s, p95 {p95:.2f} s, n = {len(seconds)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if _figures:
        terminalreporter.section("measured")
        for figure in _figures:
            terminalreporter.write_line(figure)
