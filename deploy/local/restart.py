"""Restarts of servers and programs that ended unexpectedly."""

import threading
import time
from collections.abc import Callable, Sequence

from deploy.local.process import StartFailed

POLL_SECONDS = 0.1
LONGEST_PAUSE = 15.0


class Backoff:
    """Exponential backoff: pauses that double with every failure in a row, up to a cap."""

    def __init__(self, *, initial: float = 0.5, cap: float = LONGEST_PAUSE, reset_after: float = 30) -> None:
        self._initial = initial
        self._cap = cap
        self._reset_after = reset_after
        self._failures = 0

    def pause(self, *, uptime: float) -> float:
        """Return the seconds to wait before the next start.

        Args:
            uptime: the seconds for which the process had run before it ended.
        """
        self._failures = 0 if uptime >= self._reset_after else self._failures + 1
        return min(self._cap, self._initial * 2.0 ** min(10, max(0, self._failures - 1)))


class Restart:
    """Restart of one server or program, with a growing pause between two attempts."""

    def __init__(
        self,
        name: str,
        *,
        start: Callable[[], object],
        log_event: Callable[[str], None],
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._name = name
        self._start = start
        self._log_event = log_event
        self._backoff = Backoff(cap=longest_pause)
        self._started_at = time.monotonic()
        self._due_at: float | None = None

    def update(self, exit_reason: str | None) -> None:
        """Record the present state, and start the process again when its pause is over.

        Args:
            exit_reason: how the process ended, in words; None while it runs.
        """
        now = time.monotonic()
        if exit_reason is None:
            self._due_at = None
        elif self._due_at is None:
            pause = self._backoff.pause(uptime=now - self._started_at)
            self._due_at = now + pause
            self._log_event(f"{self._name} stopped ({exit_reason}); starting it again in {pause:g} s")
        elif now >= self._due_at:
            self._started_at, self._due_at = now, None
            self._try_start()

    def _try_start(self) -> None:
        try:
            self._start()
        except (StartFailed, OSError) as error:
            self._log_event(str(error))


class RestartThread:
    """A thread that restarts processes.

    Children end with the thread that launched them, so it lives until the last of them has ended.
    """

    def __init__(self) -> None:
        self._pause_requested = threading.Event()
        self._end_requested = threading.Event()
        self._idle = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, restarts: Sequence[tuple[Restart, Callable[[], str | None]]]) -> None:
        """Start the thread.

        Args:
            restarts: pairs of a restart and a function that returns the exit reason of its process.
        """
        self._thread = threading.Thread(target=self._run, args=(restarts,), name="restarts", daemon=True)
        self._thread.start()

    def wait_for_pause(self) -> None:
        """Block until `pause` is called."""
        self._pause_requested.wait()

    def pause(self) -> None:
        """Start nothing any more, and return when no start is under way."""
        self._pause_requested.set()
        if self._thread is not None:
            self._idle.wait()

    def end(self) -> None:
        """End the thread, and with it whatever it launched."""
        self._pause_requested.set()
        self._end_requested.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, restarts: Sequence[tuple[Restart, Callable[[], str | None]]]) -> None:
        while not self._pause_requested.wait(POLL_SECONDS):
            for restart, exit_reason in restarts:
                restart.update(exit_reason())
        self._idle.set()
        self._end_requested.wait()
