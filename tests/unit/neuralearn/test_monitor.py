"""What `neuralearn monitor` shows while a part of the service is away."""

from typing import Any, cast

import pytest
from rich.console import Console

from neuralearn.cli.monitor import _view
from neuralearn.client import Client
from neuralearn.errors import ApiError
from neuralearn.models import Queue, Queues, Worker


class Service:
    """A service with work in one queue, whose workers are not known."""

    base_url = "http://127.0.0.1:8000"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def queues(self) -> Queues:
        loads: dict[str, Any] = dict.fromkeys(Queue.__dataclass_fields__, 0)
        loads |= {"name": "eda_fast", "ready": 7, "oldest_wait_seconds": 12.34}
        return Queues(queues=(Queue(**loads),), redis=None)

    def workers(self) -> list[Worker]:
        raise ApiError("The queue does not answer.", status=503, reason=self.reason)


def test_without_redis_the_queues_are_shown() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(_view(cast(Client, Service("QUEUE_UNAVAILABLE"))))
    shown = capture.get()
    (row,) = (line.split() for line in shown.splitlines() if line.startswith("eda_fast"))
    assert row == ["eda_fast", "7", "0", "0", "12.3", "s", "0", "0", "?"]
    assert "Redis does not answer" in shown
    assert "Who works is not known" in shown


def test_another_failure_is_not_hidden() -> None:
    with pytest.raises(ApiError):
        _view(cast(Client, Service("FORBIDDEN")))
