"""A child process as the event loop of its parent sees it: its socket and its exit."""

import asyncio
import contextlib
import os
import signal
import socket
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import cast

from shared.isolation.inert_pickle import PACKAGES, InertUnpickler
from shared.isolation.outcomes import ChildDied, DeadlineExceeded, Failure, OutOfMemory, Progress, Result, task_failed
from shared.isolation.request import LENGTH, ProgressCallback, Request
from shared.logs import get_logger
from shared.shielding import await_shielded

_TERM_GRACE_SECONDS = 5.0
_KILL_GRACE_SECONDS = 10.0
_MIN_FRAME_BYTES = 16 * 1024**2

_log = get_logger(__name__)


class ChildHandle:
    """A running child process that answers one request at a time."""

    def __init__(self, process: ForkServerProcess, connection: socket.socket) -> None:
        """Watch a process that has been started from the running event loop, and own its connection."""
        self._process = process
        self._pid = cast(int, process.pid)
        self._sentinel = process.sentinel
        self._connection = connection
        self._connection.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._sentinel, self._on_exit)

    @property
    def has_exited(self) -> bool:
        """True once the process has ended."""
        return self._exited.done()

    async def call(self, request: Request, *, deadline: float, on_progress: ProgressCallback | None) -> Result:
        """Have a request answered. Unless that succeeds, the child is of no further use.

        Raises:
            ServiceError: the task raised it; Unavailable if the disk was full.
            IsolationError: the task gave no result.
        """
        try:
            async with asyncio.timeout(deadline) as timer:
                outcome = await self._ask(request, on_progress)
        except TimeoutError:
            if not timer.expired():
                raise
            await self._terminate()
            raise DeadlineExceeded(deadline) from None
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    async def destroy(self) -> None:
        """Kill the process group and wait until it is gone; a cancellation is raised afterwards."""
        self._signal(signal.SIGKILL)
        await await_shielded(self._reap())

    async def _ask(self, request: Request, on_progress: ProgressCallback | None) -> Result | Failure:
        """Send a request, pass progress on until the child answers or dies, and return its outcome."""
        oom_kills, frame = _oom_kills(), request.pickle()
        packages = {*PACKAGES, request.task.__module__.partition(".")[0]}
        try:
            await self._loop.sock_sendall(self._connection, LENGTH.pack(len(frame)) + frame)
            while isinstance(message := await self._receive(request.memory_bytes, packages), Progress):
                if on_progress is not None:
                    on_progress(message.stage, message.percent)
            return message
        except (EOFError, ConnectionError):
            await asyncio.wait([self._exited])
            return Failure(self._exit_error(request.memory_bytes, oom_kills))

    async def _receive(self, memory_bytes: int, packages: set[str]) -> Progress | Result | Failure:
        (length,) = LENGTH.unpack(await self._read(LENGTH.size))
        if length > memory_bytes + _MIN_FRAME_BYTES:
            raise EOFError  # more than the child could hold: it does not say the truth
        frame = await self._read(length)
        try:
            message = InertUnpickler(frame, packages=packages).load()
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

    async def _terminate(self) -> None:
        """Send SIGTERM to the process group, and wait a few seconds for its exit."""
        self._signal(signal.SIGTERM)
        await asyncio.wait([self._exited], timeout=_TERM_GRACE_SECONDS)

    async def _reap(self) -> None:
        await asyncio.wait([self._exited], timeout=_KILL_GRACE_SECONDS)
        self._connection.close()
        if self._exited.done():
            self._process.close()
        else:
            self._loop.remove_reader(self._sentinel)
            _log.error("child survives SIGKILL", pid=self._pid)

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

    def _exit_error(self, memory_bytes: int, oom_kills: int) -> OutOfMemory | ChildDied:
        exit_code = cast(int, self._process.exitcode)
        if exit_code == -signal.SIGKILL and _oom_kills() > oom_kills:
            return OutOfMemory(memory_bytes)
        return ChildDied(exit_code)


def _oom_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory since boot; 0 if unknown."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
