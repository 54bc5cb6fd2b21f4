"""A process that prints the environment of a child of its own: `python -m tests.security.environment_probe`."""

import contextlib
import json
import os
from pathlib import Path

from shared.isolation.isolation import Isolation
from shared.process import run_process
from shared.settings.processes import IngestSettings


def environment() -> list[str]:
    """Return everything that a child finds in its environment, and in that of its forkserver."""
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    for process in ("self", str(os.getppid())):
        # The sandbox, where there is one, hides that of the forkserver.
        with contextlib.suppress(PermissionError):
            variables += Path(f"/proc/{process}/environ").read_text().split("\0")
    return variables


async def main(settings: IngestSettings, isolation: Isolation) -> None:
    """Print what a child finds, and one setting of this process."""
    inherited = await isolation.run(environment, deadline=30, memory_bytes=1 << 30)
    print(json.dumps({"child": inherited, "database_url": str(settings.database_url)}))


if __name__ == "__main__":
    run_process("probe", IngestSettings, main, preload=["tests.security.environment_probe"])
