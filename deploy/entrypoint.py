"""The commands of the container image: one image, a command for each process.

    python -m deploy.entrypoint gateway
    python -m deploy.entrypoint probe            # exit code 0 if the process of this container works

`probe` asks the process itself: a gateway over HTTP, a service over gRPC, a worker by its heartbeat.
"""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

ROLES: dict[str, tuple[str, ...]] = {
    "gateway": ("gateway",),
    "ingest": ("ingest_service",),
    "pipeline": ("worker_service", "pipeline"),
    "report": ("report_service",),
    "worker-fast": ("worker_service", "worker", "--queue", "eda_fast"),
    "worker-deep": ("worker_service", "worker", "--queue", "eda_deep"),
    "migrate": ("migrations",),
}
"""The module and arguments of each process."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the process of a role, or probe the one that this container runs.

    Raises:
        SystemExit: the probe failed; the message says why.
    """
    parser = argparse.ArgumentParser(prog="entrypoint", description=__doc__)
    parser.add_argument("role", choices=[*ROLES, "probe"])
    role = parser.parse_args(arguments).role
    if role == "probe":
        problem = asyncio.run(probe(running_role(Path("/proc/1/cmdline").read_bytes())))
        if problem:
            raise SystemExit(problem)
        return
    # In place of this one, so that it is process 1 and gets the signals.
    os.execv(sys.executable, [sys.executable, "-m", *ROLES[role]])  # noqa: S606  # the command is our own


def running_role(command_line: bytes) -> str:
    """Return the role of a process, by its command line as /proc has it.

    Raises:
        SystemExit: it is none of ours.
    """
    words = tuple(word.decode() for word in command_line.split(b"\0") if word)
    for role, arguments in ROLES.items():
        if words[-len(arguments) :] == arguments:
            return role
    raise SystemExit(f"process 1 is none of ours: {' '.join(words)[:200]}")


async def probe(role: str) -> str:
    """Return why the process of a role does not work; empty if it does."""
    from deploy import checks
    from shared.errors import ServiceError
    from shared.settings.processes import LocalSettings

    settings = LocalSettings.load({})
    try:
        async with asyncio.timeout(5):
            if role == "gateway":
                await checks.check_gateway(settings)
            elif role in ("ingest", "pipeline", "report"):
                await checks.service_check(role)(settings)
            elif role.startswith("worker"):
                return await _probe_worker(str(settings.redis_url))
    except (checks.CheckFailed, ServiceError, TimeoutError) as error:
        return str(error) or "no answer within 5 s"
    return ""


async def _probe_worker(redis_url: str) -> str:
    """Return why the worker of this container does not work; empty if it does, or if Redis can't say."""
    from shared.errors import Unavailable
    from shared.queue import connect_queue

    try:
        async with asyncio.timeout(4):
            queue = await connect_queue(redis_url)
            try:
                names = [heartbeat.name for heartbeat in await queue.workers()]
            finally:
                await queue.close()
    except (Unavailable, TimeoutError):
        # A worker waits for Redis, and an end would only cost what it executes.
        return ""
    is_alive = any(name.startswith(f"{socket.gethostname()}:") for name in names)
    return "" if is_alive else "the worker gives no sign of life"


if __name__ == "__main__":
    main()
