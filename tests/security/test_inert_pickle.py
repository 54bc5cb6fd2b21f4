"""A child that a hostile file has taken over can't make its parent run code."""

import os
import pickle
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.errors import FieldError, InvalidInput
from shared.isolation.inert_pickle import InertUnpickler
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import Progress, Result, TaskFailed
from shared.settings.processes import GatewaySettings

LIMITS: dict[str, Any] = {"deadline": 30, "memory_bytes": 1 << 29}


class Payload:
    """Calls something when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


PAYLOADS = {
    "a command": Payload(os.system, "true"),
    "a process": Payload(subprocess.Popen, ["true"]),
    "evaluation": Payload(eval, "1"),
    "an attribute": Payload(getattr, "x", "upper"),
    "an import": Payload(__import__, "antigravity"),
    "a file": Payload(open, "/etc/passwd"),
    "a module": b"cos\n.",
    "what a module of ours imported": b"cshared.isolation.child_handle\nos\n.",
    "what a class of ours has": b"\x80\x04\x8c\x14shared.errors.__dict__\x94\x8c\x01x\x94\x93.",
    "a nested name": b"\x80\x04\x8c\x0dshared.errors\x94\x8c\x19ServiceError.__subclasses__\x94\x93.",
    "a function of ours": b"cshared.settings.processes\ntake_settings\n.",
    "a class of ours that acts": b"cshared.isolation.isolation\nIsolation\n.",
    "a test": b"ctests.security.test_inert_pickle\nPayload\n.",
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_nothing_that_acts_is_built(name: str) -> None:
    payload = PAYLOADS[name]
    data = payload if isinstance(payload, bytes) else pickle.dumps(payload)
    with pytest.raises(pickle.UnpicklingError):
        InertUnpickler(data).load()


def test_what_children_send_is_built() -> None:
    error = InvalidInput("wrong", reason="WHY", fields=[FieldError("mode", "unknown")])
    values = [
        Result({"a": (1, 2.5, None, True, b"x", "ü"), "s": {1}, "f": frozenset((2,))}),
        Progress("loading", 2),
        [datetime.now(UTC), Decimal("1.5"), uuid4(), Path("/x")],
    ]
    assert InertUnpickler(pickle.dumps(values)).load() == values
    rebuilt = InertUnpickler(pickle.dumps(error)).load()
    assert (rebuilt.detail, rebuilt.reason, rebuilt.fields) == (error.detail, error.reason, error.fields)


def send_payload() -> Any:
    return PAYLOADS["a command"]


def send_settings() -> Any:
    return Payload(GatewaySettings)


@pytest.mark.parametrize("task", [send_payload, send_settings])
async def test_a_parent_takes_it_for_a_failure(isolation: Isolation, task: Callable[[], Any]) -> None:
    with pytest.raises(TaskFailed) as caught:
        await isolation.run(task, **LIMITS)
    assert caught.value.type_name == "UnpicklingError"
