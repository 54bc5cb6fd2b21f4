"""CPU work in child processes, which a deadline, a memory limit or a cancellation ends at any point.

Each task gets a fresh child, forked within milliseconds from a forkserver that has numpy and pandas loaded already. The
child answers over a socket with length-prefixed pickles: any number of progress reports, then one outcome. It then
waits to be killed together with the processes it started, so no answer is lost and no process outlives the call.
Small tasks may share a child, one after the other: see `recycled_children.py`.
"""

import contextlib
import multiprocessing
import socket
import threading
from collections.abc import Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

from shared.isolation.child import GUARD, probe, serve
from shared.isolation.child_handle import ChildHandle
from shared.isolation.children import Children
from shared.isolation.outcomes import Result
from shared.isolation.request import ProgressCallback, Request


class Isolation(Children):
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

    async def _call(self, request: Request, *, deadline: float, on_progress: ProgressCallback | None) -> Result:
        """Have a child of its own answer a request.

        However the call ends, cancellation included, the child and the processes it started are dead by then.
        """
        child = self.start_child()
        try:
            return await child.call(request, deadline=deadline, on_progress=on_progress)
        finally:
            await child.destroy()

    def start_child(self, room: Path | None = None) -> ChildHandle:
        """Start a child, which the caller has to destroy.

        Args:
            room: the only directory of a child that answers several requests; None for a child that answers one, and
                may use the paths that it names.
        """
        if self._context is None:
            raise RuntimeError("call warm_up() before run()")
        parent_socket, child_socket = socket.socketpair()
        process = self._context.Process(target=serve, args=(child_socket, room, self._niceness), daemon=True)
        with child_socket:
            try:
                process.start()
            except BaseException:
                parent_socket.close()
                raise
        return ChildHandle(process, parent_socket)
