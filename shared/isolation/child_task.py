"""Functions that only child processes import, because they load what their parents have no use for."""

import importlib
from typing import Any, NoReturn


class ChildTask:
    """Stands in a parent for a function of a module that children load; `Isolation.run` takes it as that function."""

    def __init__(self, module: str, name: str) -> None:
        """Name the module and the function."""
        self.__module__ = module
        self._name = name

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return _load, (self.__module__, self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to be called where it is not loaded.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self.__module__}.{self._name} is for child processes")


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
