"""Points at which a test can make a real process fail, once.

FAILPOINTS names a directory. A file in it with the name of a point arms that point; the first process that reaches it
removes the file and does what the file says: `kill` (SIGKILL), `stop` (SIGSTOP), `sleep 5` (seconds), or `refuse` (an
outage). Without FAILPOINTS, which no deployment sets, a point costs one comparison.
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
    """Look for armed points in `directory` from now on; None disables all points."""
    global _directory
    _directory = directory


async def failpoint(name: str) -> None:
    """Fail here if a test has armed the point.

    Raises:
        Unavailable: the action is `refuse`.
        ValueError: the action is unknown.
    """
    if _directory is None:
        return
    claimed = _directory / f".{name}.{os.getpid()}"
    try:
        (_directory / name).rename(claimed)
    except FileNotFoundError:
        return
    action, _, argument = claimed.read_text().strip().partition(" ")
    claimed.rename(_directory / f"{name}.{os.getpid()}.taken")  # last, as a test removes this file once it is there
    _log.warning("failpoint reached", point=name, action=action)
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
