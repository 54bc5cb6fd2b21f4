"""Unpickling of what a child sends: a child that a hostile file has taken over shall not run code in its parent.

Source: https://docs.python.org/3/library/pickle.html#restricting-globals
"""

import dataclasses
import datetime
import decimal
import enum
import io
import pathlib
import pickle
import uuid
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings

PACKAGES = ("shared", "ingest_service", "worker_service", "report_service")
_PLAIN: tuple[type, ...] = (
    *(set, frozenset, complex, bytearray, slice, range),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
    *(decimal.Decimal, uuid.UUID, pathlib.Path, pathlib.PosixPath, pathlib.PurePosixPath),
)
_PLAIN_NAMES = {(kind.__module__, kind.__qualname__): kind for kind in _PLAIN}


class InertUnpickler(pickle.Unpickler):
    """Builds plain values, and records, models, enumerations and exceptions of named packages: nothing that acts."""

    def __init__(self, data: bytes | bytearray, *, packages: Collection[str] = PACKAGES) -> None:
        """Read from bytes; `packages` are the top-level packages whose classes may be built."""
        super().__init__(io.BytesIO(data))
        self._packages = packages

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that may be built.

        Raises:
            UnpicklingError: it is another class, or no class.
        """
        if (module, name) in _PLAIN_NAMES:
            return _PLAIN_NAMES[module, name]
        # Only what the module itself defines: it may have imported anything.
        if module.partition(".")[0] in self._packages and "." not in name:
            kind = super().find_class(module, name)
            if isinstance(kind, type) and kind.__module__ == module and _is_inert(kind):
                return kind
        raise pickle.UnpicklingError(f"{module}.{name} may not be sent by a child")


def _is_inert(kind: type) -> bool:
    if issubclass(kind, BaseSettings):
        return False  # it reads the environment
    return dataclasses.is_dataclass(kind) or issubclass(kind, (BaseModel, enum.Enum, Exception, tuple))
