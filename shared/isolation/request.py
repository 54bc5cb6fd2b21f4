"""What a parent asks of a child, and how it is sent."""

import dataclasses
import pickle
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ProgressCallback = Callable[[Any, int], None]

LENGTH = struct.Struct("!Q")
"""Every message is preceded by its length in bytes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call that a child is to make."""

    task: Callable[..., Any]
    """A module-level function, or a `ChildTask`."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    memory_bytes: int
    """How much the call may allocate beyond what is loaded."""
    reports_progress: bool
    """Whether the function takes `report(stage, percent)` as its first argument."""

    def pickle(self) -> bytes:
        """Return the request as bytes, which a child unpickles."""
        return pickle.dumps(self)

    def paths(self) -> Iterator[Path]:
        """Yield the arguments that are paths, and the fields of arguments that are."""
        for argument in (*self.args, *self.kwargs.values()):
            fields = vars(argument).values() if dataclasses.is_dataclass(argument) else (argument,)
            yield from (field for field in fields if isinstance(field, Path))

    def with_paths(self, moved: Callable[[Path], Path]) -> Self:
        """Return the request with every path replaced."""
        args = tuple(_with_paths(argument, moved) for argument in self.args)
        kwargs = {name: _with_paths(argument, moved) for name, argument in self.kwargs.items()}
        return dataclasses.replace(self, args=args, kwargs=kwargs)


def _with_paths(argument: Any, moved: Callable[[Path], Path]) -> Any:
    if isinstance(argument, Path):
        return moved(argument)
    if not dataclasses.is_dataclass(argument) or isinstance(argument, type):
        return argument
    paths = {name: moved(value) for name, value in vars(argument).items() if isinstance(value, Path)}
    return dataclasses.replace(argument, **paths) if paths else argument
