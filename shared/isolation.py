"""CPU work in child processes, which a deadline, a memory limit or a cancellation ends at any point.

Each task gets a fresh child, forked within milliseconds from a forkserver that has numpy and pandas loaded already. The
child answers over a socket with length-prefixed pickles: any number of progress reports, then one outcome. It then
waits to be killed together with the processes it started, so no answer is lost and no process outlives the call.
"""

import asyncio
import contextlib
import dataclasses
import importlib
import multiprocessing
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar, cast

from shared import sandbox
from shared.errors import ServiceError
from shared.logs import get_logger
from shared.scratch import disk_full_error
from shared.shielding import await_shielded

T = TypeVar("T")
ProgressCallback = Callable[[Any, int], None]

_GUARD = "shared.forkserver_guard"
_LENGTH = struct.Struct("!Q")
_TERM_GRACE_SECONDS = 5.0
_KILL_GRACE_SECONDS = 10.0
_NEARLY_FULL_BYTES = 16 * 1024**2

log = get_logger(__name__)


class IsolationError(Exception):
    """Base class: the task gave no result."""


class DeadlineExceeded(IsolationError):
    """The task was still running at its deadline and has been killed."""

    def __init__(self, deadline: float) -> None:
        super().__init__(deadline)
        self.deadline = deadline
        """Seconds the task had."""

    def __str__(self) -> str:
        return f"not done after {self.deadline:g} seconds"


class OutOfMemory(IsolationError):
    """The task needed more memory than its limit, or than the machine has."""

    def __init__(self, memory_bytes: int) -> None:
        super().__init__(memory_bytes)
        self.memory_bytes = memory_bytes
        """Bytes the task was allowed to allocate."""

    def __str__(self) -> str:
        return f"more than {self.memory_bytes / 1024**2:,.0f} MiB needed"


class ChildDied(IsolationError):
    """The child process ended without an answer: it crashed in native code, or was killed.

    Native code that aborts when memory runs out (parts of Arrow do, with SIGABRT) looks like any other crash.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code
        """As in `multiprocessing`: the negative number of the signal that ended it, if one did."""
        self.signal = signal.Signals(-exit_code) if -exit_code in set(signal.Signals) else None

    @property
    def by_others(self) -> bool:
        """True if another process may have killed it for reasons that have nothing to do with the task."""
        return self.signal in (signal.SIGKILL, signal.SIGTERM)

    def __str__(self) -> str:
        return f"child process ended with {self.signal.name if self.signal else f'exit code {self.exit_code}'}"


class TaskFailed(IsolationError):
    """The task raised an exception that is no `ServiceError`: a defect."""

    def __init__(self, type_name: str, message: str, frames: str) -> None:
        super().__init__(type_name, message, frames)
        self.type_name = type_name
        self.message = message
        """Text of the exception; it may quote cell values, so it must not be logged or sent to a caller."""
        self.frames = frames
        """Where it was raised, for the log: the chain of tracebacks and exception types, without messages."""

    def __str__(self) -> str:
        return f"task raised {self.type_name}"


@dataclass(frozen=True)
class _Progress:
    stage: str
    percent: int


@dataclass(frozen=True)
class _Result:
    value: Any


@dataclass(frozen=True)
class _Failure:
    error: ServiceError | IsolationError


class Isolation:
    """Runs functions in killable child processes; one instance per process, as there is one forkserver."""

    def __init__(self, *, preload: Sequence[str], niceness: int = 0) -> None:
        """Set the modules that are loaded in every child (none may start threads or use gRPC) and its niceness."""
        self._preload = tuple(preload)
        self._niceness = niceness
        self._context: ForkServerContext | None = None

    def warm_up(self) -> None:
        """Start the forkserver and wait until it has loaded its modules.

        To be called from the main thread before the event loop: the children live as long as the calling thread.

        Raises:
            RuntimeError: this is not the main thread, or a module can't be loaded.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the forkserver must be started from the main thread")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_GUARD, __name__, *self._preload])
        # The forkserver imports from its working directory; Python 3.11 hands it no import path.
        with contextlib.chdir(Path(__file__).parents[1]):
            forkserver.ensure_running()
        probe = context.Process(target=_probe, args=(self._preload,))
        probe.start()
        probe.join()
        exit_code = probe.exitcode
        probe.close()
        if exit_code != 0:
            raise RuntimeError(f"the forkserver did not load {_GUARD} and {', '.join(self._preload)}")
        self._context = context

    async def run(
        self,
        task: Callable[..., T],
        /,
        *args: Any,
        deadline: float,
        memory_bytes: int,
        on_progress: ProgressCallback | None = None,
        **kwargs: Any,
    ) -> T:
        """Call `task(*args, **kwargs)` in a child and return its result.

        However the call ends, cancellation included, the child and the processes it started are dead by then. It has no
        network, and of all files those that its arguments name.

        Args:
            task: a module-level function; it and its arguments are pickled.
            *args: positional arguments of the task. Of those of type Path, and of their fields of type Path, it may
                read the files, write in the directories, and write beside files that do not exist.
            **kwargs: its keyword arguments.
            deadline: seconds that the task may take.
            memory_bytes: how much the task may allocate beyond the loaded modules.
            on_progress: called for each `report(stage, percent)` of the task, whose first argument `report` is.

        Raises:
            ServiceError: the task raised it; Unavailable if the disk was full.
            IsolationError: the task gave no result; DeadlineExceeded, OutOfMemory, ChildDied or TaskFailed says why.
        """
        child = self._start(pickle.dumps((task, args, kwargs)), memory_bytes, reports_progress=on_progress is not None)
        try:
            async with asyncio.timeout(deadline) as timer:
                outcome = await child.outcome(on_progress)
        except TimeoutError:
            if not timer.expired():
                raise
            await child.terminate()
            raise DeadlineExceeded(deadline) from None
        finally:
            await child.destroy()
        if isinstance(outcome, _Failure):
            raise outcome.error
        return cast(T, outcome.value)

    def _start(self, request: bytes, memory_bytes: int, *, reports_progress: bool) -> "_Child":
        if self._context is None:
            raise RuntimeError("call warm_up() before run()")
        oom_kills = _oom_kills()
        parent_socket, child_socket = socket.socketpair()
        process = self._context.Process(
            target=_serve, args=(child_socket, request, memory_bytes, reports_progress, self._niceness), daemon=True
        )
        with child_socket:
            try:
                process.start()
            except BaseException:
                parent_socket.close()
                raise
        return _Child(process, parent_socket, memory_bytes=memory_bytes, oom_kills=oom_kills)


class _Child:
    """A running child process as the event loop sees it: its socket and its exit."""

    def __init__(
        self, process: ForkServerProcess, connection: socket.socket, *, memory_bytes: int, oom_kills: int
    ) -> None:
        self._process = process
        self._pid = cast(int, process.pid)
        self._sentinel = process.sentinel
        self._connection = connection
        self._connection.setblocking(False)
        self._memory_bytes = memory_bytes
        self._oom_kills = oom_kills
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._sentinel, self._on_exit)

    async def outcome(self, on_progress: ProgressCallback | None) -> _Result | _Failure:
        """Pass progress on until the child answers or dies, and return its outcome."""
        try:
            while isinstance(message := await self._receive(), _Progress):
                if on_progress is not None:
                    on_progress(message.stage, message.percent)
            return message
        except (EOFError, ConnectionResetError):
            await asyncio.wait([self._exited])
            return _Failure(self._exit_error())

    async def terminate(self) -> None:
        """Send SIGTERM to the process group, and wait a few seconds for its exit."""
        self._signal(signal.SIGTERM)
        await asyncio.wait([self._exited], timeout=_TERM_GRACE_SECONDS)

    async def destroy(self) -> None:
        """Kill the process group and wait until it is gone; a cancellation is raised afterwards."""
        self._signal(signal.SIGKILL)
        await await_shielded(self._reap())

    async def _reap(self) -> None:
        await asyncio.wait([self._exited], timeout=_KILL_GRACE_SECONDS)
        self._connection.close()
        if self._exited.done():
            self._process.close()
        else:
            self._loop.remove_reader(self._sentinel)
            log.error("child survives SIGKILL", pid=self._pid)

    async def _receive(self) -> _Progress | _Result | _Failure:
        (length,) = _LENGTH.unpack(await self._read(_LENGTH.size))
        frame = await self._read(length)
        try:
            return cast(_Progress | _Result | _Failure, pickle.loads(frame))
        except Exception as error:
            return _Failure(_task_failed(error))

    async def _read(self, size: int) -> bytearray:
        frame = bytearray(size)
        rest = memoryview(frame)
        while rest:
            received = await self._loop.sock_recv_into(self._connection, rest)
            if not received:
                raise EOFError
            rest = rest[received:]
        return frame

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._sentinel)
        # Processes that the child started may hold the socket open; the stream ends only when they do.
        self._signal(signal.SIGKILL)
        self._exited.set_result(None)

    def _signal(self, signum: signal.Signals) -> None:
        if self._exited.done():
            return
        # A child that has just been forked does not lead a process group yet.
        for send in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                send(self._pid, signum)

    def _exit_error(self) -> OutOfMemory | ChildDied:
        exit_code = cast(int, self._process.exitcode)
        if exit_code == -signal.SIGKILL and _oom_kills() > self._oom_kills:
            return OutOfMemory(self._memory_bytes)
        return ChildDied(exit_code)


def _oom_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory since boot; 0 if unknown."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


# The functions below run in the child.


def _probe(preload: tuple[str, ...]) -> None:
    missing = [name for name in (_GUARD, *preload) if name not in sys.modules]
    if missing:
        raise SystemExit(f"not loaded by the forkserver: {', '.join(missing)}")
    _tie_to_parent()


def _tie_to_parent() -> None:
    guard = importlib.import_module(_GUARD)
    guard.die_with_parent()
    if os.getppid() != guard.FORKSERVER_PID:
        raise SystemExit("the forkserver is gone")


def _serve(connection: socket.socket, request: bytes, memory_bytes: int, reports_progress: bool, niceness: int) -> None:
    """Answer one request, then wait to be killed."""
    os.setsid()
    os.nice(niceness)
    _tie_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def report(stage: str, percent: int) -> None:
        _send(connection, pickle.dumps(_Progress(stage, percent)))

    answer = _answer(request, memory_bytes, report if reports_progress else None)
    sys.stdout.flush()
    sys.stderr.flush()
    _send(connection, answer)
    connection.recv(1)


def _send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(frame)))
    connection.sendall(frame)


def _answer(request: bytes, memory_bytes: int, report: ProgressCallback | None) -> bytes:
    """Execute the requested call and return its pickled outcome."""
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    limit = _limit_address_space(memory_bytes)
    try:
        task, args, kwargs = pickle.loads(request)
        sandbox.enter(_paths((*args, *kwargs.values())))
        value = task(*args, **kwargs) if report is None else task(report, *args, **kwargs)
        return pickle.dumps(_Result(value))
    except Exception as error:
        # Without the limit, there is memory again to pickle the failure.
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        return pickle.dumps(_Failure(_failure(error, memory_bytes, limit)))


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
    return _task_failed(error)


def _task_failed(error: BaseException) -> TaskFailed:
    return TaskFailed(type(error).__name__, str(error), _frames(error))


def _frames(error: BaseException) -> str:
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = _frames(origin) + "then\n" if origin else ""
    return before + "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__ + "\n"


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
