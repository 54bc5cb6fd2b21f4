"""Addresses that users name."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from shared.outbound import OutboundGuard


async def test_names_that_are_slow_to_resolve_keep_no_file_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def slow(*_: Any, **__: Any) -> list[Any]:
        answers.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]

    monkeypatch.setattr("shared.outbound.socket.getaddrinfo", slow)
    outside = OutboundGuard("url", allow_private=False)
    checks = [asyncio.create_task(outside.check(outside.parse(f"http://name-{i}.example/"))) for i in range(64)]
    try:
        await asyncio.sleep(0.1)
        # What reads and writes files uses the loop's own threads.
        async with asyncio.timeout(3):
            assert await asyncio.to_thread(lambda: "read") == "read"
    finally:
        answers.set()
        await asyncio.gather(*checks)
