"""Points at which a test can have a process fail, for real and once.

FAILPOINTS names a directory. A file in it that is called like a point arms it; the first process that comes by takes
the file away and does what it says: `kill` (SIGKILL), `stop` (SIGSTOP), `sleep 5` (seconds), or `refuse` (an outage).
Without FAILPOINTS, which no deployment sets, a point costs one comparison.
"""

import asyncio
import os
import signal
from pathlib import Path

from shared.errors import Unavailable
from shared.logs import get_logger

_directory: Path | None = None
_log = get_logger(__name__)


def arm_failpoints(directory: Path | None) -> None:
    """Look for armed points in `directory` from now on; None for nowhere."""
    global _directory
    _directory = directory


async def failpoint(name: str) -> None:
    """Fail here, if a test wants it."""
    if _directory is None:
        return
    taken = _directory / f"{name}.{os.getpid()}.taken"
    try:
        (_directory / name).rename(taken)
    except FileNotFoundError:
        return
    action, _, argument = taken.read_text().strip().partition(" ")
    _log.warning("failpoint", point=name, action=action)
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            await asyncio.sleep(float(argument))
        case "refuse":
            raise Unavailable(f"The failpoint {name} refuses.", reason="FAILPOINT")
        case _:
            raise ValueError(f"the failpoint {name} knows no action {action!r}")
