"""The interface of an object store, and the rules that all implementations share.

A key is a relative POSIX path such as `datasets/42/raw`. Objects are created and replaced atomically.
"""

import os
import stat
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
"""A write without progress for this long belongs to a process that died."""
RESERVED_NAME = ".staging"
"""First segment of the keys that a store uses internally; other keys must not start with it, listings omit it."""


@dataclass(frozen=True)
class ObjectInfo:
    """Metadata of an object."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """Opaque, without quotes; changes when the object is replaced."""
    modified_at: datetime
    """UTC."""


class ObjectStore(Protocol):
    """Stores objects under keys.

    Every method raises `InvalidInput` for an invalid key, and `Unavailable` when the store does not answer (reason
    STORAGE_UNAVAILABLE) or is full (STORAGE_FULL). Methods that need an object raise `NotFound`.
    """

    async def put_file(self, key: str, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file, replacing the object if there is one; `move` removes the file and is faster."""
        ...

    async def put_bytes(self, key: str, data: bytes) -> ObjectInfo:
        """Store `data`, replacing the object if there is one."""
        ...

    async def stat(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        ...

    def read(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Stream an object, or `length` bytes from `offset`, in chunks of at most 256 KiB.

        As with a file, a range behind the end is empty. A reader that has started gets the bytes of the same version
        until its end. Close it (`contextlib.aclosing`) if you leave before the end.
        """
        ...

    async def read_bytes(self, key: str) -> bytes:
        """Return the contents of a small object."""
        ...

    def local_copy(self, key: str, *, scratch: Path) -> AbstractAsyncContextManager[Path]:
        """Provide a file with the contents of an object, to be read only, and only within the context.

        Args:
            key: the object.
            scratch: folder for the file if the object has to be downloaded; otherwise the file is the object itself.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; a missing one is not an error."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove the objects in folder `prefix` and return their number; `a/1` covers `a/1/x`, not `a/10` nor `a/1`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """List the objects in and below the folder `prefix`, ordered by the bytes of their keys; "" lists all."""
        ...

    async def presign(self, key: str, *, expires: timedelta, filename: str, media_type: str) -> str | None:
        """Return an address from which anybody can download an object; None if the store has none.

        Args:
            key: the object; it need not exist.
            expires: how long the address is valid, from one second to seven days.
            filename: the file name that is offered to the client.
            media_type: the content type of the response.
        """
        ...

    async def sweep(self) -> int:
        """Remove the remains of writes that were abandoned a day ago or earlier; return their number."""
        ...

    async def check(self) -> None:
        """Check that objects can be written and removed.

        Raises:
            Unavailable: they can't; the detail names the setting at fault.
        """
        ...

    async def ping(self) -> None:
        """Return if the store answers; the call leaves nothing behind.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def close(self) -> None:
        """Close the connections; the store can't be used afterwards."""
        ...


def check_key(key: str) -> str:
    """Return the key if it is valid.

    Raises:
        InvalidInput: it is not a relative path that every store accepts.
    """
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


def _check_length(subject: str, size: int, limit: int) -> None:
    if size > limit:
        raise InvalidInput(
            f"A {subject} may have {limit} bytes at most, this one has {size}.",
            reason="KEY_TOO_LONG",
            metadata={"bytes": str(size), "limit": str(limit)},
        )


def folder_of(prefix: str) -> str:
    """Return the common prefix of the keys in a folder, which ends with a slash; "" for the root."""
    return check_key(prefix.removesuffix("/")) + "/" if prefix else ""


def stat_plain_file(path: Path) -> os.stat_result:
    """Return the metadata of a file to be stored.

    A child process that a hostile file has taken over could leave a link there instead, to what only its parent may
    read.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is a link or a directory.
    """
    info = path.lstat()
    if not stat.S_ISREG(info.st_mode):
        raise ValueError(f"{path.name} is no plain file")
    return info


def check_range(offset: int, length: int | None) -> None:
    """Check the range of a read.

    Raises:
        InvalidInput: offset or length is negative.
    """
    if offset < 0 or (length is not None and length < 0):
        raise InvalidInput("Offset and length of a read must not be negative.", reason="INVALID_RANGE")


def object_not_found(key: str) -> NotFound:
    """Return the error for an object that does not exist."""
    return NotFound(f"There is no object {key}.", reason="OBJECT_NOT_FOUND")


def storage_unavailable() -> Unavailable:
    """Return the error for a store that does not answer; raise it from the cause, which the text omits."""
    return Unavailable("The object store does not answer.", reason="STORAGE_UNAVAILABLE", retry_after=5)


def storage_full() -> Unavailable:
    """Return the error for a store that is full."""
    return Unavailable("The object store is full.", reason="STORAGE_FULL")
