"""What child processes of any kind have in common: they call functions."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, cast

from shared.isolation.outcomes import Result
from shared.isolation.request import ProgressCallback, Request

T = TypeVar("T")


class Children(ABC):
    """Runs functions in child processes."""

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

        The task has no network, and of all files those that its arguments name.

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
        reports = on_progress is not None
        request = Request(task=task, args=args, kwargs=kwargs, memory_bytes=memory_bytes, reports_progress=reports)
        result = await self._call(request, deadline=deadline, on_progress=on_progress)
        return cast(T, result.value)

    @abstractmethod
    async def _call(self, request: Request, *, deadline: float, on_progress: ProgressCallback | None) -> Result:
        """Have a request answered, and raise what `run` raises."""
