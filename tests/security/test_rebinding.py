"""A name server that changes its answers leads nobody into a private network."""

import json
import subprocess
import sys

import pytest

from tests.security.rebinding_probe import CANNOT, PUBLIC


def test_a_name_is_resolved_once_and_connected_to_as_it_was_checked() -> None:
    command = [sys.executable, "-m", "tests.security.rebinding_probe"]
    probe = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if probe.returncode == CANNOT:
        pytest.skip("this machine lets no process have a network of its own, which the name server needs")
    assert probe.returncode == 0, probe.stderr
    outcome = json.loads(probe.stdout)
    assert outcome["fetched"] == {
        "rebinding.test": f"tried {PUBLIC}",
        "reversed.test": "INVALID_DATASET_URL",
        "mixed.test": "INVALID_DATASET_URL",
        "metadata.test": "INVALID_DATASET_URL",
        "public.test": f"tried {PUBLIC}",
    }
    assert set(outcome["asked"].values()) == {1}
    assert outcome["attacked"] == 0
