"""Child processes that never outlive their launcher."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

EXEC_WRAPPER = Path(__file__).with_name("exec_wrapper.py")


class StartFailed(Exception):
    """Something of the local stack did not start: one sentence, and the last lines of its log where they say more."""

    def __init__(self, sentence: str, *, log: Sequence[str] = ()) -> None:
        super().__init__("\n    ".join([sentence, *log]))
        self.sentence = sentence


def wrap_command(
    command: Sequence[str | Path],
    *,
    directory: Path,
    death_signal: signal.Signals = signal.SIGKILL,
    identity: str = "same",
) -> list[str]:
    """The command line that runs `command` in `directory`; `death_signal` ends it when the calling thread ends."""
    python = [sys.executable, "-I", "-S", str(EXEC_WRAPPER)]
    knot = [death_signal.name, str(os.getpid()), identity, str(directory)]
    return [*python, *knot, *map(str, command)]


def end(process: subprocess.Popen[bytes], *, ask: signal.Signals = signal.SIGTERM, grace: float) -> None:
    """Ask a session leader to stop, wait `grace` seconds, then kill it and whatever is left of its process group."""
    if process.poll() is None:
        process.send_signal(ask)
    await_end([process], deadline=time.monotonic() + grace)


def await_end(processes: Sequence[subprocess.Popen[bytes]], *, deadline: float) -> None:
    """Wait until the `time.monotonic()` deadline for all to stop, then sweep their process groups."""
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        sweep(process)


def sweep(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a session leader's process group and collect its exit code."""
    # macOS answers EPERM for a group in which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def exit_reason(code: int) -> str:
    """How a process ended, in words."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def last_lines(log: Path, count: int = 12) -> list[str]:
    """The last non-empty lines of a log; none if there is no log."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
