"""The process of one program under supervision."""

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from deploy.local import process
from deploy.local.output import Output
from deploy.local.process import StartFailed
from deploy.local.programs import Program
from shared.settings.processes import LocalSettings


class SupervisedProcess:
    """A program's process, launched in a session of its own and ended with its whole process group."""

    def __init__(self, program: Program, *, directory: Path, environment: Mapping[str, str], output: Output) -> None:
        self.program = program
        self._directory = directory
        self._environment = environment
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._exit_reason: str | None = None
        self._exit_lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id.

        Raises:
            ProcessLookupError: the program is not running.
        """
        if self._process is None:
            raise ProcessLookupError(f"{self.program.name} is not running")
        return self._process.pid

    def launch(self) -> None:
        """Start the process."""
        command = process.wrap_command([sys.executable, *self.program.arguments], directory=self._directory)
        with self._output.sink(self.program.name) as sink:
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._exit_reason = None

    def exit_reason(self) -> str | None:
        """Return in words how the process ended; None while it runs.

        What an ended process left of its process group is killed.
        """
        with self._exit_lock:
            if self._process is not None and self._process.poll() is not None:
                process.kill_group(self._process)
                self._exit_reason = process.describe_exit(self._process.returncode)
                self._process = None
            return self._exit_reason

    def is_ready(self, settings: LocalSettings) -> bool:
        """Return True if the program's readiness check succeeds, or there is none."""
        return self.program.ready is None or self.program.ready(settings)

    def start_failure(self, reason: str) -> StartFailed:
        """Return the error for a program that did not become ready, with the last line of its log."""
        log = self._output.last_lines(self.program.name)
        last_line = log[-1].strip() if log else "it said nothing"
        sentence = f"{self.program.name} did not start ({reason}): {last_line}"
        return StartFailed(sentence, log=log if len(log) > 1 else ())

    def terminate(self) -> subprocess.Popen[bytes] | None:
        """Send SIGTERM, and return the process to wait for."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        terminated, self._process = self._process, None
        return terminated

    def kill(self) -> None:
        """Kill the process alone, as a crash would."""
        if self._process is not None:
            self._process.kill()
