"""Starting again what died."""

import threading
import time
from collections.abc import Callable, Sequence

from deploy.local.process import StartFailed

GLANCE_SECONDS = 0.1
LONGEST_PAUSE = 15.0


class Backoff:
    """Pauses that double with every failure in a row, up to a cap."""

    def __init__(self, *, first: float = 0.5, cap: float = LONGEST_PAUSE, forgiven_after: float = 30) -> None:
        self._first = first
        self._cap = cap
        self._forgiven_after = forgiven_after
        self._failures = 0

    def pause(self, *, lived: float) -> float:
        """Seconds to wait after something failed that had lived so many seconds."""
        self._failures = 0 if lived >= self._forgiven_after else self._failures + 1
        return min(self._cap, self._first * 2.0 ** min(10, max(0, self._failures - 1)))


class Restart:
    """Brings something back after it died, with a growing pause between two attempts."""

    def __init__(
        self,
        name: str,
        *,
        start: Callable[[], object],
        say: Callable[[str], None],
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._name = name
        self._start = start
        self._say = say
        self._backoff = Backoff(cap=longest_pause)
        self._started_at = time.monotonic()
        self._due_at: float | None = None

    def after(self, death: str | None) -> None:
        """Take note of how it died (None: it lives), and start it again when the time has come."""
        now = time.monotonic()
        if death is None:
            self._due_at = None
        elif self._due_at is None:
            pause = self._backoff.pause(lived=now - self._started_at)
            self._due_at = now + pause
            self._say(f"{self._name} stopped ({death}); starting it again in {pause:g} s")
        elif now >= self._due_at:
            self._started_at, self._due_at = now, None
            self._attempt()

    def _attempt(self) -> None:
        try:
            self._start()
        except (StartFailed, OSError) as error:
            self._say(str(error))


class Watch:
    """A thread that looks at all that can die. It launches children, so it lives until the last of them has ended."""

    def __init__(self) -> None:
        self._pausing = threading.Event()
        self._ending = threading.Event()
        self._idle = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, mortals: Sequence[tuple[Restart, Callable[[], str | None]]]) -> None:
        """Watch pairs of how to start something again and how to ask for its death."""
        self._thread = threading.Thread(target=self._run, args=(mortals,), name="watch", daemon=True)
        self._thread.start()

    def wait_for_pause(self) -> None:
        """Block until somebody calls `pause`."""
        self._pausing.wait()

    def pause(self) -> None:
        """Start nothing any more; returns when no start is under way."""
        self._pausing.set()
        if self._thread is not None:
            self._idle.wait()

    def end(self) -> None:
        """Let the thread end, and with it whatever it launched."""
        self._pausing.set()
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, mortals: Sequence[tuple[Restart, Callable[[], str | None]]]) -> None:
        while not self._pausing.wait(GLANCE_SECONDS):
            for restart, death in mortals:
                restart.after(death())
        self._idle.set()
        self._ending.wait()
