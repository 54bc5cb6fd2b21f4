"""The gateway as a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from deploy.local.ports import free_port

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Gateway:
    """A running gateway process, its address and its log file."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def rss(self) -> int:
        """Return the resident memory in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def gateway_process(directory: Path, targets: dict[str, str], **settings: str) -> Iterator[Gateway]:
    """Run a gateway.

    Args:
        directory: the working directory, which also gets the log file.
        targets: the address of each service by name.
        settings: further environment variables.
    """
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        **{f"{name.upper()}_TARGET": target for name, target in targets.items()},
        **settings,
    }
    log = directory / f"gateway-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "gateway"], cwd=directory, env=environment, stderr=output)
        try:
            _wait_until_listening(port, process, log)
            yield Gateway(f"http://127.0.0.1:{port}", port, process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the gateway does not start: {log.read_text()}")
