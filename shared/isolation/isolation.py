"""CPU work in child processes, which a deadline, a memory limit or a cancellation ends at any point.

Each task gets a fresh child, forked within milliseconds from a forkserver that has numpy and pandas loaded already. The
child answers over a socket with length-prefixed pickles: any number of progress reports, then one outcome. It then
waits to be killed together with the processes it started, so no answer is lost and no process outlives the call.
"""

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, TypeVar, cast

from shared.isolation.child import GUARD, LENGTH, ProgressCallback, probe, serve
from shared.isolation.inert_pickle import PACKAGES, InertUnpickler
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, Failure, OutOfMemory, Progress, Result, task_failed
from shared.logs import get_logger
from shared.shielding import await_shielded

T = TypeVar("T")

_TERM_GRACE_SECONDS = 5.0
_KILL_GRACE_SECONDS = 10.0
_MIN_FRAME_BYTES = 16 * 1024**2

log = get_logger(__name__)


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
        context.set_forkserver_preload([GUARD, __name__, *self._preload])
        # The forkserver imports from its working directory; Python 3.11 hands it no import path.
        with contextlib.chdir(Path(__file__).parents[2]):
            forkserver.ensure_running()
        first = context.Process(target=probe, args=(self._preload,))
        first.start()
        first.join()
        exit_code = first.exitcode
        first.close()
        if exit_code != 0:
            raise RuntimeError(f"the forkserver did not load {GUARD} and {', '.join(self._preload)}")
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
        request = pickle.dumps((task, args, kwargs))
        child = self._start(task, request, memory_bytes, reports_progress=on_progress is not None)
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
        if isinstance(outcome, Failure):
            raise outcome.error
        return cast(T, outcome.value)

    def _start(
        self, task: Callable[..., Any], request: bytes, memory_bytes: int, *, reports_progress: bool
    ) -> "_Child":
        if self._context is None:
            raise RuntimeError("call warm_up() before run()")
        oom_kills = _oom_kills()
        parent_socket, child_socket = socket.socketpair()
        process = self._context.Process(
            target=serve, args=(child_socket, request, memory_bytes, reports_progress, self._niceness), daemon=True
        )
        with child_socket:
            try:
                process.start()
            except BaseException:
                parent_socket.close()
                raise
        package = task.__module__.partition(".")[0]
        return _Child(
            process, parent_socket, memory_bytes=memory_bytes, oom_kills=oom_kills, packages={*PACKAGES, package}
        )


class _Child:
    """A running child process as the event loop sees it: its socket and its exit."""

    def __init__(
        self,
        process: ForkServerProcess,
        connection: socket.socket,
        *,
        memory_bytes: int,
        oom_kills: int,
        packages: Collection[str],
    ) -> None:
        self._process = process
        self._pid = cast(int, process.pid)
        self._sentinel = process.sentinel
        self._connection = connection
        self._connection.setblocking(False)
        self._memory_bytes = memory_bytes
        self._oom_kills = oom_kills
        self._packages = packages
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._sentinel, self._on_exit)

    async def outcome(self, on_progress: ProgressCallback | None) -> Result | Failure:
        """Pass progress on until the child answers or dies, and return its outcome."""
        try:
            while isinstance(message := await self._receive(), Progress):
                if on_progress is not None:
                    on_progress(message.stage, message.percent)
            return message
        except (EOFError, ConnectionResetError):
            await asyncio.wait([self._exited])
            return Failure(self._exit_error())

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

    async def _receive(self) -> Progress | Result | Failure:
        (length,) = LENGTH.unpack(await self._read(LENGTH.size))
        if length > self._memory_bytes + _MIN_FRAME_BYTES:
            raise EOFError  # more than the child could hold: it does not say the truth
        frame = await self._read(length)
        try:
            message = InertUnpickler(frame, packages=self._packages).load()
        except Exception as error:
            return Failure(task_failed(error))
        if not isinstance(message, Progress | Result | Failure):
            return Failure(task_failed(TypeError("a child sends progress, a result or a failure")))
        return message

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
