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
    """A part of the local stack did not start.

    `sentence` says why; the message adds the last lines of the log where they say more.
    """

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
    """Return the command line that runs `command` and ends it when the calling thread ends.

    Args:
        command: the program and its arguments.
        directory: the working directory.
        death_signal: the signal that ends the program.
        identity: the user of the program, as `exec_wrapper` defines it.
    """
    python = [sys.executable, "-I", "-S", str(EXEC_WRAPPER)]
    wrapper_arguments = [death_signal.name, str(os.getpid()), identity, str(directory)]
    return [*python, *wrapper_arguments, *map(str, command)]


def stop(
    process: subprocess.Popen[bytes], *, stop_signal: signal.Signals = signal.SIGTERM, grace_seconds: float
) -> None:
    """Ask a session leader to stop, wait, then kill whatever is left of its process group."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    wait_for_exit([process], deadline=time.monotonic() + grace_seconds)


def wait_for_exit(processes: Sequence[subprocess.Popen[bytes]], *, deadline: float) -> None:
    """Wait for all processes to end, then kill their process groups.

    Args:
        processes: session leaders that have been asked to stop.
        deadline: the latest time to wait for, by `time.monotonic()`.
    """
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a session leader's process group and collect its exit code."""
    # macOS answers EPERM for a group in which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def describe_exit(code: int) -> str:
    """Return in words how a process with this return code ended."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def last_lines(log: Path, count: int = 12) -> list[str]:
    """Return the last non-empty lines of a log; none if there is no log."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
