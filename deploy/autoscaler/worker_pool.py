"""The worker processes of one queue, on this machine."""

import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from deploy.local import process
from shared.logs import get_logger

ROOT = Path(__file__).resolve().parents[2]
GRACE_SECONDS = 15.0
"""How long a worker may take to hand its runs back."""
LONGEST_PAUSE = 60.0
"""The most seconds before a worker that keeps failing is started again."""
_log = get_logger("autoscaler")


class WorkerPool:
    """Starts, stops and replaces the workers of a queue.

    Workers end with the process that started them, however it ends, and hand their runs back. Use it from one thread
    that lives as long as they do: the kernel ends them with it.
    """

    def __init__(self, queue: str, environment: Mapping[str, str]) -> None:
        self.queue = queue
        self._environment = environment
        self._workers: list[subprocess.Popen[bytes]] = []
        self._stopping: list[tuple[subprocess.Popen[bytes], float]] = []
        self._failures = 0
        self._resume_at = 0.0

    @property
    def size(self) -> int:
        """The number of workers that were started and not stopped, running or to be replaced."""
        return len(self._workers)

    def start(self, number: int) -> None:
        """Start so many workers."""
        for _ in range(number):
            self._workers.append(self._launch())

    def stop(self, number: int, *, busy: Collection[int]) -> int:
        """Stop at most so many workers that execute nothing, the youngest first; return how many.

        Args:
            number: the most workers to stop.
            busy: the process ids of workers that execute runs, as far as is known. One that takes a run meanwhile hands
                it back.
        """
        idle = [worker for worker in reversed(self._workers) if worker.pid not in busy][:number]
        for worker in idle:
            self._workers.remove(worker)
            worker.send_signal(signal.SIGTERM)
            self._stopping.append((worker, time.monotonic() + GRACE_SECONDS))
        return len(idle)

    def replace_dead(self) -> None:
        """Start workers anew that ended, after a pause that grows if they keep failing; end those that do not stop."""
        for worker, deadline in self._stopping[:]:
            if worker.poll() is not None or time.monotonic() > deadline:
                process.kill_group(worker)
                self._stopping.remove((worker, deadline))
        dead = [worker for worker in self._workers if worker.poll() is not None]
        if not dead:
            self._failures = 0 if time.monotonic() > self._resume_at + LONGEST_PAUSE else self._failures
            return
        if time.monotonic() < self._resume_at:
            return
        self._failures += 1
        self._resume_at = time.monotonic() + min(LONGEST_PAUSE, 2.0**self._failures / 2)
        for worker in dead:
            process.kill_group(worker)
            _log.warning("worker ended", queue=self.queue, how=process.describe_exit(worker.returncode))
            self._workers[self._workers.index(worker)] = self._launch()

    def close(self) -> None:
        """Stop all workers, and wait until they have handed their runs back."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        ending = [*self._workers, *(worker for worker, _ in self._stopping)]
        self._workers, self._stopping = [], []
        process.wait_for_exit(ending, deadline=time.monotonic() + GRACE_SECONDS)

    def _launch(self) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-m", "worker_service", "worker", "--queue", self.queue]
        command = process.wrap_command(arguments, directory=ROOT, death_signal=signal.SIGTERM)
        return subprocess.Popen(command, env=dict(self._environment), stdin=subprocess.DEVNULL, start_new_session=True)
