"""Failpoints: a test sees that a point was reached only after the process has read what it should do there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Unavailable
from shared.failpoints import arm_failpoints, failpoint


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    arm_failpoints(tmp_path)
    yield tmp_path
    arm_failpoints(None)


async def test_no_marker_is_there_before_the_action_is_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "publishing").write_text("refuse")
    markers_at_read = []
    read_text = Path.read_text

    def read_and_look(path: Path) -> str:
        markers_at_read.append(list(directory.glob("*.taken")))
        return read_text(path)

    monkeypatch.setattr(Path, "read_text", read_and_look)
    with pytest.raises(Unavailable):
        await failpoint("publishing")
    assert markers_at_read == [[]]
    assert len(list(directory.glob("publishing.*.taken"))) == 1


async def test_an_action_it_does_not_know_is_an_error(directory: Path) -> None:
    (directory / "publishing").write_text("explode")
    with pytest.raises(ValueError, match="knows no action 'explode'"):
        await failpoint("publishing")
    await failpoint("publishing")
