"""The part of a child process: it answers requests, confined, and waits to be killed."""

import gc
import importlib
import os
import pickle
import resource
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ServiceError
from shared.isolation import sandbox
from shared.isolation.outcomes import Failure, IsolationError, OutOfMemory, Progress, Result, task_failed
from shared.isolation.request import LENGTH, Request
from shared.scratch import disk_full_error

GUARD = "shared.isolation.forkserver_guard"
_NEARLY_FULL_BYTES = 16 * 1024**2
_MAX_REQUESTS = 50
_MAX_GROWTH_BYTES = 64 * 1024**2


def probe(preload: tuple[str, ...]) -> None:
    """End well if the forkserver has loaded its modules."""
    missing = [name for name in (GUARD, *preload) if name not in sys.modules]
    if missing:
        raise SystemExit(f"not loaded by the forkserver: {', '.join(missing)}")
    _tie_to_parent()


def _tie_to_parent() -> None:
    guard = importlib.import_module(GUARD)
    guard.die_with_parent()
    if os.getppid() != guard.FORKSERVER_PID:
        raise SystemExit("the forkserver is gone")


def serve(connection: socket.socket, room: Path | None, niceness: int) -> None:
    """Answer one request, or as many as come if there is a room for their files, then wait to be killed."""
    os.setsid()
    os.nice(niceness)
    _tie_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The collector would look at all that is loaded, and so copy its pages.
    gc.freeze()
    wear = _Wear()
    while frame := _receive(connection):
        answer = _answer(frame, connection, room, wear)
        sys.stdout.flush()
        sys.stderr.flush()
        _send(connection, answer)
        if room is None:
            connection.recv(1)
            break


@dataclass
class _Wear:
    """What a child has been through."""

    requests: int = 0
    resident_bytes: int = 0
    """After the first request, which loads what the forkserver has not."""

    def count(self, limit: int | None) -> bool:
        """Count an answered request, and return True if the next one should find a new child."""
        resident = _memory_pages()[1] * resource.getpagesize()
        self.requests += 1
        self.resident_bytes = self.resident_bytes or resident
        return (
            self.requests >= _MAX_REQUESTS
            or resident > self.resident_bytes + _MAX_GROWTH_BYTES
            or threading.active_count() > 1
            # The peak would tell nothing of the next request.
            or (limit is not None and _peak_address_space() > limit - _NEARLY_FULL_BYTES)
        )


def _receive(connection: socket.socket) -> bytes:
    """Return the next request, or nothing if none will come."""
    header = _read(connection, LENGTH.size)
    return _read(connection, LENGTH.unpack(header)[0]) if header else b""


def _read(connection: socket.socket, size: int) -> bytes:
    frame = bytearray(size)
    rest = memoryview(frame)
    while rest:
        received = connection.recv_into(rest)
        if not received:
            return b""
        rest = rest[received:]
    return bytes(frame)


def _send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(LENGTH.pack(len(frame)))
    connection.sendall(frame)


def _answer(frame: bytes, connection: socket.socket, room: Path | None, wear: _Wear) -> bytes:
    """Make the call that is asked for and return its pickled outcome."""

    def report(stage: str, percent: int) -> None:
        _send(connection, pickle.dumps(Progress(stage, percent)))

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory_bytes, limit = 0, None
    try:
        request: Request = pickle.loads(frame)  # noqa: S301  # from the parent
        memory_bytes = request.memory_bytes
        limit = _limit_address_space(memory_bytes, hard)
        if not wear.requests:
            sandbox.enter(request.paths() if room is None else [room])
        arguments = (report, *request.args) if request.reports_progress else request.args
        value = request.task(*arguments, **request.kwargs)
        return pickle.dumps(Result(value, is_spent=room is not None and wear.count(limit)))
    except Exception as error:
        # Without the limit, there is memory again to pickle the failure.
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return pickle.dumps(Failure(_failure(error, memory_bytes, limit)))


def _failure(error: Exception, memory_bytes: int, limit: int | None) -> ServiceError | IsolationError:
    if isinstance(error, ServiceError):
        return error
    if (disk_full := disk_full_error(error)) is not None:
        return disk_full
    # Libraries raise other exceptions, too, when there is no memory for the stack of a thread.
    if isinstance(error, MemoryError) or (limit is not None and _peak_address_space() > limit - _NEARLY_FULL_BYTES):
        return OutOfMemory(memory_bytes)
    return task_failed(error)


def _limit_address_space(memory_bytes: int, hard: int) -> int | None:
    """Allow `memory_bytes` beyond the mapped memory; return the new limit in bytes, None if there is none."""
    if sys.platform != "linux":
        return None
    mapped = _memory_pages()[0] * resource.getpagesize()
    limit = mapped + memory_bytes if hard == resource.RLIM_INFINITY else min(mapped + memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    return limit


def _memory_pages() -> tuple[int, int]:
    """Return how many pages this process has mapped, and how many of them are in memory (0 where nobody knows)."""
    if sys.platform != "linux":
        return 0, 0
    mapped, resident, *_ = Path("/proc/self/statm").read_text().split()
    return int(mapped), int(resident)


def _peak_address_space() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak")), 0)
