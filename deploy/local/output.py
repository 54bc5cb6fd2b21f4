"""Where the words of the child processes go: one log file each, or the terminal with the name in front."""

import os
import threading
from collections import defaultdict, deque
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.console import Console
from rich.text import Text

from deploy.local.process import last_lines

STYLES = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
KEPT_LINES = 12
NAME_WIDTH = 11


class Output(Protocol):
    """Takes what children write and what the supervisor has to say."""

    def sink(self, name: str) -> BinaryIO:
        """A file for `name`'s stdout and stderr; the caller closes it once the child has it."""

    def say(self, sentence: str) -> None:
        """Something the supervisor did."""

    def last_lines(self, name: str) -> list[str]:
        """The end of what a stopped child wrote."""


class LogFiles:
    """Writes `<directory>/<name>.log`; the supervisor's own is `stack.log`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def sink(self, name: str) -> BinaryIO:
        """Open the child's log for appending."""
        self._directory.mkdir(parents=True, exist_ok=True)
        return self._path(name).open("ab")

    def say(self, sentence: str) -> None:
        """Append to the supervisor's log."""
        with self.sink("stack") as log:
            log.write(f"{sentence}\n".encode())

    def last_lines(self, name: str) -> list[str]:
        """Read the end of the log."""
        return last_lines(self._path(name), KEPT_LINES)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.log"


class Terminal:
    """Prints each line with the coloured name of its process."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._styles: dict[str, str] = {}
        self._kept: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT_LINES))
        self._readers: dict[str, threading.Thread] = {}

    def sink(self, name: str) -> BinaryIO:
        """A pipe whose lines a thread prints."""
        self._styles.setdefault(name, STYLES[len(self._styles) % len(STYLES)])
        reading, writing = os.pipe()
        self._readers[name] = threading.Thread(target=self._print_all, args=(name, reading), daemon=True)
        self._readers[name].start()
        return os.fdopen(writing, "wb")

    def say(self, sentence: str) -> None:
        """Print as `local`."""
        self._print("local", "bold", sentence)

    def last_lines(self, name: str) -> list[str]:
        """What is kept of the child's lines, once its last ones have arrived."""
        self._readers[name].join(timeout=1)
        return list(self._kept[name])

    def close(self) -> None:
        """Wait for the last lines of children that have ended."""
        for reader in self._readers.values():
            reader.join(timeout=1)

    def _print_all(self, name: str, reading: int) -> None:
        with os.fdopen(reading, "rb") as lines:
            for raw in lines:
                line = raw.decode("utf-8", "replace").rstrip()
                self._kept[name].append(line)
                self._print(name, self._styles[name], line)

    def _print(self, name: str, style: str, line: str) -> None:
        prefix = Text(f"{name:<{NAME_WIDTH}} │ ", style=style)
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)
