"""Three minutes of everything at random."""

import pytest

from tests.faults.conftest import Figure
from tests.faults.soak import Soak
from tests.faults.world import World


@pytest.mark.timeout(600)
async def test_three_minutes_of_everything(world: World, figure: Figure, soak_seed: int) -> None:
    ledger = await Soak(world, soak_seed).go_on(3)
    figure(f"seed {soak_seed}: {ledger}")
    assert (ledger.lost, ledger.duplicated, ledger.orphans) == (0, 0, 0)
    assert ledger.accepted > 50
    assert ledger.completed > ledger.accepted / 2
