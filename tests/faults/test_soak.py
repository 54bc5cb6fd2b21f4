"""Three minutes of random faults."""

import pytest

from tests.faults.conftest import Measurements
from tests.faults.soak import Soak
from tests.faults.world import World


@pytest.mark.timeout(600)
async def test_three_minutes_of_everything(world: World, measurements: Measurements, soak_seed: int) -> None:
    ledger = await Soak(world, soak_seed).run(3)
    measurements.add(f"seed {soak_seed}: {ledger}")
    assert (ledger.lost, ledger.duplicated, ledger.orphans) == (0, 0, 0)
    assert ledger.accepted > 50
    assert ledger.completed > ledger.accepted / 2
