"""Output of the child processes: to one log file each, or to the terminal with the name in front."""

import os
import threading
from collections import defaultdict, deque
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.console import Console
from rich.text import Text

from deploy.local.process import last_lines

STYLES = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
LAST_LINES = 12
NAME_WIDTH = 11


class Output(Protocol):
    """Destination of what the children write and of the supervisor's own events."""

    def sink(self, name: str) -> BinaryIO:
        """Return a file for a child's stdout and stderr; the caller closes it once the child has it."""

    def log_event(self, message: str) -> None:
        """Write an event of the supervisor."""

    def last_lines(self, name: str) -> list[str]:
        """Return the last lines that a stopped child wrote."""


class LogFiles:
    """Output to `<directory>/<name>.log`, and the supervisor's events to `stack.log`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def sink(self, name: str) -> BinaryIO:
        """Open the child's log for appending."""
        self._directory.mkdir(parents=True, exist_ok=True)
        return self._path(name).open("ab")

    def log_event(self, message: str) -> None:
        """Append to the supervisor's log."""
        with self.sink("stack") as log:
            log.write(f"{message}\n".encode())

    def last_lines(self, name: str) -> list[str]:
        """Return the last lines of the child's log."""
        return last_lines(self._path(name), LAST_LINES)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.log"


class Terminal:
    """Output to the terminal, each line after the coloured name of its process unless it is JSON."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._styles: dict[str, str] = {}
        self._last_lines: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_LINES))
        self._readers: dict[str, threading.Thread] = {}

    def sink(self, name: str) -> BinaryIO:
        """Return the write end of a pipe whose lines a thread prints."""
        self._styles.setdefault(name, STYLES[len(self._styles) % len(STYLES)])
        read_end, write_end = os.pipe()
        self._readers[name] = threading.Thread(target=self._print_lines, args=(name, read_end), daemon=True)
        self._readers[name].start()
        return os.fdopen(write_end, "wb")

    def log_event(self, message: str) -> None:
        """Print the event under the name `local`."""
        self._print("local", "bold", message)

    def last_lines(self, name: str) -> list[str]:
        """Return the last lines of the child, once all of them have arrived."""
        self._readers[name].join(timeout=1)
        return list(self._last_lines[name])

    def close(self) -> None:
        """Wait for the last lines of children that have ended."""
        for reader in self._readers.values():
            reader.join(timeout=1)

    def _print_lines(self, name: str, read_end: int) -> None:
        with os.fdopen(read_end, "rb") as lines:
            for raw_line in lines:
                line = raw_line.decode("utf-8", "replace").rstrip()
                self._last_lines[name].append(line)
                self._print(name, self._styles[name], line)

    def _print(self, name: str, style: str, line: str) -> None:
        # A line of JSON names its service itself, and is to be read by a program.
        prefix = Text("" if line.startswith("{") else f"{name:<{NAME_WIDTH}} │ ", style=style)
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)
