"""Fixtures of the fault injection tests: a running system to break, and a list of measurements."""

import random
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from tests.faults.world import World

_sentences: list[str] = []


@pytest.fixture(scope="session")
async def world(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: None, lease_seconds: int
) -> AsyncIterator[World]:
    """Every process of the system and a second fast worker, with an object store in a directory."""
    settings = {
        "LEASE_SECONDS": str(lease_seconds),
        "HEARTBEAT_SECONDS": str(lease_seconds / 3),
        "RECONCILE_SECONDS": str(lease_seconds / 6),
    }
    world = World(tmp_path_factory.mktemp("world"), settings=settings)
    yield world
    await world.close()


@pytest.fixture(autouse=True)
async def restored(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Restore the system and cancel queued runs after each test, also after a failed one."""
    yield
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        await restore(world)
        await world.cancel_queued(world.ledger)


async def restore(world: World) -> None:
    """Remove all faults, and restart the servers and processes that are down."""
    world.disarm()
    for proxy in world.proxies.values():
        proxy.set("none")
    world.postgres.start()
    world.valkey.start()
    await world.wait_until_ready()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest module first, so that processes that share the modules end at about the same time."""
    items.sort(key=lambda item: "test_soak" not in item.nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--seed`, which repeats the faults of a random test, and `--lease`; production uses `--lease 30`."""
    parser.addoption("--lease", type=int, default=3, help="seconds after which a silent worker's run is taken over")
    parser.addoption("--seed", type=int, help="for the random faults; each session has another one by default")


@pytest.fixture(scope="session")
def lease_seconds(request: pytest.FixtureRequest) -> int:
    """Duration of the lease of a run, in seconds."""
    lease: int = request.config.getoption("--lease")
    return lease


@pytest.fixture(scope="session")
def soak_seed(request: pytest.FixtureRequest) -> int:
    """Seed of the random faults of this session."""
    seed: int | None = request.config.getoption("--seed")
    return random.SystemRandom().randrange(1 << 30) if seed is None else seed


@pytest.fixture
def measurements(request: pytest.FixtureRequest) -> "Measurements":
    """Collects what a test measured, for the summary."""
    return Measurements(request.node.name)


class Measurements:
    """Adds sentences with measured values to the summary of the session."""

    def __init__(self, test: str) -> None:
        self._test = test

    def add(self, sentence: str) -> None:
        """Add a sentence with measured values."""
        _sentences.append(f"{sentence}  [{self._test}]")

    def add_percentiles(self, name: str, seconds: Sequence[float]) -> None:
        """Add the median and the 95th percentile of durations."""
        p50, p95 = np.percentile(seconds, [50, 95])
        self.add(f"{name}: p50 {p50:.2f} s, p95 {p95:.2f} s, n = {len(seconds)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the measurements."""
    if _sentences:
        terminalreporter.section("measured")
        for sentence in _sentences:
            terminalreporter.write_line(sentence)
