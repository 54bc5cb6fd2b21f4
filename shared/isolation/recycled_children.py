"""Child processes that serve small tasks one after the other, because most of a small task is being forked.

A child serves one task at a time and is replaced after some tasks or minutes, when it has grown, and after anything but
a result: a deadline, a cancellation or a crash kills exactly the task in it. It is confined to a room, a directory of
its own, into which the files of each task are copied.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import ServiceError
from shared.isolation.child_handle import ChildHandle
from shared.isolation.children import Children
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import Result
from shared.isolation.request import ProgressCallback, Request
from shared.isolation.room import Visit
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.settings.types import IsolationMode

SMALL_BYTES = 1_000_000
"""Most input of a task that gains by a child that is warm."""
_MAX_SECONDS = 600.0

_log = get_logger(__name__)


@asynccontextmanager
async def children_of_small_tasks(
    mode: IsolationMode, isolation: Isolation, scratch: Scratch, *, count: int
) -> AsyncIterator[Children]:
    """Provide the children of small tasks, as many as run at a time; their rooms are in the scratch directory."""
    if mode == "fresh":
        yield isolation
        return
    children = RecycledChildren(isolation, scratch)
    try:
        await children.start(count)
        yield children
    finally:
        await children.close()


@dataclass(eq=False)
class _Child:
    handle: ChildHandle
    room: Path
    stack: AsyncExitStack
    """Removes the room, and forgets when the child is to retire."""
    born: float = field(default_factory=time.monotonic)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.born >= _MAX_SECONDS


class RecycledChildren(Children):
    """Runs functions in children that are used again, until they are closed."""

    def __init__(self, isolation: Isolation, scratch: Scratch) -> None:
        """Fork the children from a forkserver that is warm, and give them rooms in a directory."""
        self._isolation = isolation
        self._scratch = scratch
        self._idle: list[_Child] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self, count: int) -> None:
        """Fork some children before they are needed."""
        for _ in range(count):
            self._idle.append(await self._fork())

    async def _call(self, request: Request, *, deadline: float, on_progress: ProgressCallback | None) -> Result:
        """Have a child answer a request that serves no other meanwhile.

        The task finds copies of its files, and what it writes comes to its place only if it succeeds.
        """
        child = await self._take()
        try:
            visit = Visit(child.room / str(next(child.numbers)))
            brought = await asyncio.to_thread(request.with_paths, visit.bring)
            result = await child.handle.call(brought, deadline=deadline, on_progress=on_progress)
            await asyncio.to_thread(visit.take_home)
        except BaseException:
            await self._replace(child)
            raise
        if result.is_spent or child.is_old or self._closed:
            await self._replace(child)
        else:
            self._idle.append(child)
        return result

    async def close(self) -> None:
        """Destroy the children that serve no task; the others are destroyed when their task ends."""
        self._closed = True
        await asyncio.gather(*self._retiring)
        while self._idle:
            await self._destroy(self._idle.pop())

    async def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if not child.handle.has_exited:
                return child
            await self._destroy(child)
        return await self._fork()

    async def _fork(self) -> _Child:
        stack = AsyncExitStack()
        room = await stack.enter_async_context(self._scratch.folder("room-"))
        try:
            child = _Child(self._isolation.start_child(room), room, stack)
        except BaseException:
            await stack.aclose()
            raise
        timer = asyncio.get_running_loop().call_later(_MAX_SECONDS, self._retire, child)
        stack.callback(timer.cancel)
        return child

    async def _replace(self, child: _Child) -> None:
        """Destroy a child and fork its successor, before that is needed."""
        await self._destroy(child)
        if self._closed:
            return
        try:
            self._idle.append(await self._fork())
        except (ServiceError, OSError) as error:
            # It says nothing of the task that has just ended; the next one tries again.
            _log.warning("no successor of a child", cause=type(error).__name__)

    def _retire(self, child: _Child) -> None:
        """Destroy a child that is old, unless it serves a task; without a successor, for nobody may need one."""
        if child in self._idle:
            self._idle.remove(child)
            task = asyncio.create_task(self._destroy(child))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _destroy(self, child: _Child) -> None:
        try:
            await child.handle.destroy()
        finally:
            await child.stack.aclose()
