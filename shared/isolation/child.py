"""The part of a child process: it answers one request, confined, and waits to be killed."""

import dataclasses
import importlib
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from shared.errors import ServiceError
from shared.isolation import sandbox
from shared.isolation.outcomes import Failure, IsolationError, OutOfMemory, Progress, Result, task_failed
from shared.scratch import disk_full_error

ProgressCallback = Callable[[Any, int], None]

GUARD = "shared.isolation.forkserver_guard"
LENGTH = struct.Struct("!Q")
_NEARLY_FULL_BYTES = 16 * 1024**2


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


def serve(connection: socket.socket, request: bytes, memory_bytes: int, reports_progress: bool, niceness: int) -> None:
    """Answer one request, then wait to be killed."""
    os.setsid()
    os.nice(niceness)
    _tie_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def report(stage: str, percent: int) -> None:
        _send(connection, pickle.dumps(Progress(stage, percent)))

    answer = _answer(request, memory_bytes, report if reports_progress else None)
    sys.stdout.flush()
    sys.stderr.flush()
    _send(connection, answer)
    connection.recv(1)


def _send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(LENGTH.pack(len(frame)))
    connection.sendall(frame)


def _answer(request: bytes, memory_bytes: int, report: ProgressCallback | None) -> bytes:
    """Execute the requested call and return its pickled outcome."""
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    limit = _limit_address_space(memory_bytes)
    try:
        task, args, kwargs = pickle.loads(request)  # noqa: S301  # from the parent
        sandbox.enter(_paths((*args, *kwargs.values())))
        value = task(*args, **kwargs) if report is None else task(report, *args, **kwargs)
        return pickle.dumps(Result(value))
    except Exception as error:
        # Without the limit, there is memory again to pickle the failure.
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        return pickle.dumps(Failure(_failure(error, memory_bytes, limit)))


def _paths(arguments: Iterable[Any]) -> Iterator[Path]:
    """Yield the arguments that are paths, and the fields of arguments that are."""
    for argument in arguments:
        fields = vars(argument).values() if dataclasses.is_dataclass(argument) else (argument,)
        yield from (field for field in fields if isinstance(field, Path))


def _failure(error: Exception, memory_bytes: int, limit: int | None) -> ServiceError | IsolationError:
    if isinstance(error, ServiceError):
        return error
    if (disk_full := disk_full_error(error)) is not None:
        return disk_full
    # Libraries raise other exceptions, too, when there is no memory for the stack of a thread.
    if isinstance(error, MemoryError) or (limit is not None and _peak_address_space() > limit - _NEARLY_FULL_BYTES):
        return OutOfMemory(memory_bytes)
    return task_failed(error)


def _limit_address_space(memory_bytes: int) -> int | None:
    """Allow `memory_bytes` beyond the mapped memory; return the new limit in bytes, None if there is none."""
    if sys.platform != "linux":
        return None
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = mapped + memory_bytes if hard == resource.RLIM_INFINITY else min(mapped + memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    return limit


def _peak_address_space() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak")), 0)
