"""What a child process sends, and the ways in which it may fail."""

import signal
import traceback
from dataclasses import dataclass
from typing import Any

from shared.errors import ServiceError


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
class Progress:
    """How far a task has come."""

    stage: str
    percent: int


@dataclass(frozen=True)
class Result:
    """What a task returned."""

    value: Any
    is_spent: bool = False
    """True if the child should not answer another request."""


@dataclass(frozen=True)
class Failure:
    """What a task raised."""

    error: ServiceError | IsolationError


def task_failed(error: BaseException) -> TaskFailed:
    """Return the failure that an unexpected exception stands for."""
    return TaskFailed(type(error).__name__, str(error), _frames(error))


def _frames(error: BaseException) -> str:
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = _frames(origin) + "then\n" if origin else ""
    return before + "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__ + "\n"
