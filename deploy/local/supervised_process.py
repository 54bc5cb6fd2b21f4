"""One program under supervision."""

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


class Supervised:
    """A program's process: launched with an explicit environment in its own session, and ended with its group."""

    def __init__(self, program: Program, *, directory: Path, environment: Mapping[str, str], output: Output) -> None:
        self.program = program
        self._directory = directory
        self._environment = environment
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._death: str | None = None
        self._burying = threading.Lock()

    @property
    def pid(self) -> int:
        """Process id of the present process; ProcessLookupError when there is none."""
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
        self._death = None

    def death(self) -> str | None:
        """How the process ended, in words; None while it runs. What it left of its process group is killed."""
        with self._burying:
            if self._process is not None and self._process.poll() is not None:
                process.sweep(self._process)
                self._death = process.exit_reason(self._process.returncode)
                self._process = None
            return self._death

    def is_ready(self, settings: LocalSettings) -> bool:
        """Whether the program says that it is."""
        return self.program.ready is None or self.program.ready(settings)

    def start_failure(self, reason: str) -> StartFailed:
        """The sentence for a program that did not become ready: the last one of its own."""
        log = self._output.last_lines(self.program.name)
        last = log[-1].strip() if log else "it said nothing"
        return StartFailed(f"{self.program.name} did not start ({reason}): {last}", log=log if len(log) > 1 else ())

    def ask_to_stop(self) -> subprocess.Popen[bytes] | None:
        """Send SIGTERM; returns the process to wait for."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        stopping, self._process = self._process, None
        return stopping

    def kill(self) -> None:
        """SIGKILL the process alone, as a crash would."""
        if self._process is not None:
            self._process.kill()
