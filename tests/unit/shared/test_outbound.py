"""The guard for addresses that users give."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from shared.outbound import OutboundGuard


async def test_names_that_are_slow_to_resolve_keep_no_file_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = threading.Event()

    def slow(*_: Any, **__: Any) -> list[Any]:
        resolved.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]

    monkeypatch.setattr("shared.outbound.socket.getaddrinfo", slow)
    guard = OutboundGuard("url", allow_private=False)
    checks = [asyncio.create_task(guard.check(guard.parse(f"http://name-{i}.example/"))) for i in range(64)]
    try:
        await asyncio.sleep(0.1)
        # File access uses the default executor of the loop.
        async with asyncio.timeout(3):
            assert await asyncio.to_thread(lambda: "read") == "read"
    finally:
        resolved.set()
        await asyncio.gather(*checks)
