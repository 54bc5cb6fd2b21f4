"""What the services expect of a place that keeps objects, and the rules every such place shares.

A key is a relative POSIX path such as `datasets/42/raw`. Objects appear and are replaced whole, never seen by halves.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from shared.errors import InvalidInput, NotFound, Unavailable

CHUNK_BYTES = 256 * 1024
MAX_KEY_BYTES = 1024
MAX_NAME_BYTES = 255
ABANDONED_AFTER = timedelta(days=1)
"""A write that nobody went on with for this long belongs to a process that died."""
RESERVED_NAME = ".staging"
"""First segment of what a store writes for itself; no key may start with it and no listing shows it."""


@dataclass(frozen=True)
class ObjectInfo:
    """What a store knows about one object without opening it."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """Opaque, without quotes; the same as long as the object is not replaced."""
    modified_at: datetime
    """UTC."""


class ObjectStore(Protocol):
    """Keeps objects under keys.

    Every method raises `InvalidInput` for a key it can't take and `Unavailable` when the place does not answer
    (reason STORAGE_UNAVAILABLE) or has no room (STORAGE_FULL). Methods that need an object raise `NotFound`.
    """

    async def put_file(self, key: str, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store the file's bytes, replacing the object if there is one; `move` gives the file away and is cheaper."""
        ...

    async def put_bytes(self, key: str, data: bytes) -> ObjectInfo:
        """Store `data`, replacing the object if there is one."""
        ...

    async def stat(self, key: str) -> ObjectInfo:
        """Look at an object without reading it."""
        ...

    def read(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Stream an object, or `length` bytes from `offset`, in chunks of at most 256 KiB.

        Like a file: what lies behind the end is empty. A reader that started keeps getting the bytes of that version.
        Close it (`contextlib.aclosing`) when leaving before the end.
        """
        ...

    async def read_bytes(self, key: str) -> bytes:
        """The whole object at once; for small ones."""
        ...

    def local_copy(self, key: str, *, scratch: Path) -> AbstractAsyncContextManager[Path]:
        """A file with the object's bytes, to be read only, and only within the context.

        It may be the stored object itself; if it has to be fetched it lies in `scratch` and is removed afterwards.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every object in the folder `prefix`, return how many; `a/1` covers `a/1/x`, not `a/10` nor `a/1`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """The objects in the folder `prefix` and below it, ordered by the bytes of their keys; "" lists all."""
        ...

    async def presign(self, key: str, *, expires: timedelta, filename: str, media_type: str) -> str | None:
        """An address from which anybody can download the object until it expires; None if this store has no such thing.

        The download is offered as `filename`. `expires`: one second to seven days. The object need not exist.
        """
        ...

    async def sweep(self) -> int:
        """Remove what processes that died in the middle of a write left behind a day ago or earlier; how many."""
        ...

    async def check(self) -> None:
        """Prove that objects can be written and removed, or raise `Unavailable` naming the setting at fault."""
        ...

    async def ping(self) -> None:
        """Return if the store answers, or raise `Unavailable`; leaves nothing there, however often it is asked."""
        ...

    async def close(self) -> None:
        """Let go of connections; the store is of no use afterwards."""
        ...


def check_key(key: str) -> str:
    """The key itself, or `InvalidInput` if it is no relative path a store can keep."""
    names = key.split("/")
    if not key or any(name in {"", ".", ".."} for name in names):
        raise InvalidInput(
            "An object key must be a relative path without empty, '.' or '..' parts.", reason="INVALID_KEY"
        )
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in key):
        raise InvalidInput("An object key must not contain control characters or broken text.", reason="INVALID_KEY")
    if names[0] == RESERVED_NAME:
        raise InvalidInput(f"Object keys must not start with {RESERVED_NAME}.", reason="INVALID_KEY")
    _check_length("name in an object key", max(len(name.encode()) for name in names), MAX_NAME_BYTES)
    _check_length("object key", len(key.encode()), MAX_KEY_BYTES)
    return key


def _check_length(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise InvalidInput(
            f"A {what} may have {limit} bytes at most, this one has {size}.",
            reason="KEY_TOO_LONG",
            metadata={"bytes": str(size), "limit": str(limit)},
        )


def folder_of(prefix: str) -> str:
    """What the keys in folder `prefix` start with: "" for everything, else a checked path that ends in a slash."""
    return check_key(prefix.removesuffix("/")) + "/" if prefix else ""


def check_range(offset: int, length: int | None) -> None:
    """`InvalidInput` unless the bytes asked for could exist."""
    if offset < 0 or (length is not None and length < 0):
        raise InvalidInput("Offset and length of a read must not be negative.", reason="INVALID_RANGE")


def missing(key: str) -> NotFound:
    """The error for an object that is not there."""
    return NotFound(f"There is no object {key}.", reason="OBJECT_NOT_FOUND")


def unavailable() -> Unavailable:
    """The error for a place that does not answer; its cause belongs into the chain, not into the sentence."""
    return Unavailable("The object store does not answer.", reason="STORAGE_UNAVAILABLE", retry_after=5)


def full() -> Unavailable:
    """The error for a place without room."""
    return Unavailable("The object store is full.", reason="STORAGE_FULL")
