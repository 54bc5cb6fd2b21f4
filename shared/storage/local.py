"""Objects as plain files below one directory, for one machine or a shared volume.

A write goes to a file of its own in `.staging`, reaches the disk, and is renamed onto its key, so an object is whole or
absent even after a crash. A key can't be a file and a folder at once: with `a/b` stored, `a` and `a/b/c` are refused.
"""

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

from shared.errors import Conflict, InvalidInput, ServiceError, Unavailable
from shared.storage.base import (
    ABANDONED_AFTER,
    CHUNK_BYTES,
    RESERVED_NAME,
    ObjectInfo,
    check_key,
    check_range,
    folder_of,
    full,
    missing,
    unavailable,
)

PUBLISH_ATTEMPTS = 100
LISTED_AT_ONCE = 512

ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
OCCUPIED = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
EXHAUSTED = {errno.ENOSPC, errno.EDQUOT}


class LocalObjectStore:
    """An `ObjectStore` in a directory, which is made on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._staging = self._root / RESERVED_NAME

    async def put_file(self, key: str, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store the file; `move` renames it where it can, else copies it and removes it."""
        place = self._move if move else self._copy
        return await asyncio.to_thread(place, check_key(key), path)

    async def put_bytes(self, key: str, data: bytes) -> ObjectInfo:
        """Store `data`."""
        return await asyncio.to_thread(self._put, check_key(key), lambda staged: staged.write_bytes(data))

    async def stat(self, key: str) -> ObjectInfo:
        """Look at an object."""
        return await asyncio.to_thread(self._stat, check_key(key))

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Stream an object from one open file, whatever happens to its key meanwhile."""
        check_range(offset, length)
        path = self._path(check_key(key))
        with _reading(key):
            source = await asyncio.to_thread(path.open, "rb")
        left = length
        try:
            await asyncio.to_thread(source.seek, offset)
            while left is None or left > 0:
                with _reading(key):
                    chunk = await asyncio.to_thread(
                        source.read, CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)
                    )
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
        finally:
            # In a thread, because closing waits for a read that a cancelled task left behind.
            await asyncio.to_thread(source.close)

    async def read_bytes(self, key: str) -> bytes:
        """The whole object."""
        path = self._path(check_key(key))
        with _reading(key):
            return await asyncio.to_thread(path.read_bytes)

    @asynccontextmanager
    async def local_copy(self, key: str, *, scratch: Path) -> AsyncIterator[Path]:
        """The object's own path; nothing is copied."""
        await self.stat(key)
        yield self._path(key)

    async def delete(self, key: str) -> None:
        """Remove an object and the folders it leaves empty."""
        await asyncio.to_thread(self._delete, check_key(key))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove a folder's objects and the folders they leave empty."""
        if not prefix:
            raise InvalidInput("Deleting needs a prefix that is not empty.", reason="INVALID_KEY")
        return await asyncio.to_thread(self._delete_below, folder_of(prefix))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """The objects of a folder, some hundred at a time."""
        found = self._walk(folder_of(prefix))
        while batch := await asyncio.to_thread(lambda: tuple(islice(found, LISTED_AT_ONCE))):
            for info in batch:
                yield info

    async def presign(self, key: str, *, expires: timedelta, filename: str, media_type: str) -> str | None:
        """None: a directory has no address to hand out."""
        return None

    async def check(self) -> None:
        """Write and remove a file."""
        try:
            await asyncio.to_thread(self._probe)
        except OSError as error:
            raise Unavailable(
                f"STORAGE_DIR: can't keep files in {self._root}: {error.strerror}.",
                reason="STORAGE_FULL" if error.errno in EXHAUSTED else "STORAGE_UNAVAILABLE",
            ) from error

    async def ping(self) -> None:
        """Write and remove a file."""
        await self.check()

    async def sweep(self) -> int:
        """Remove staged files of processes that died, and folders that they made for nothing."""
        return await asyncio.to_thread(self._sweep)

    async def close(self) -> None:
        """Nothing is held open between calls."""

    def _path(self, key: str) -> Path:
        return self._root / key

    def _copy(self, key: str, path: Path) -> ObjectInfo:
        path.stat()  # a missing source is the caller's mistake, not a failure of the store
        return self._put(key, lambda staged: shutil.copyfile(path, staged))

    def _move(self, key: str, path: Path) -> ObjectInfo:
        path.stat()
        with _writing(key):
            try:
                return self._publish(key, path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        info = self._copy(key, path)
        path.unlink(missing_ok=True)
        return info

    def _put(self, key: str, fill: Callable[[Path], object]) -> ObjectInfo:
        staged = self._staging / uuid4().hex
        with _writing(key):
            self._staging.mkdir(parents=True, exist_ok=True)
            try:
                fill(staged)
                return self._publish(key, staged)
            finally:
                staged.unlink(missing_ok=True)

    def _publish(self, key: str, staged: Path) -> ObjectInfo:
        # The coarse clock of the file system could give two versions one time, and thereby one etag.
        os.utime(staged, ns=(now := time.time_ns(), now))
        _sync(staged)
        info = _info(key, staged.stat())
        target = self._path(key)
        for _ in range(PUBLISH_ATTEMPTS):
            try:
                self._make_folder(target.parent)
                staged.replace(target)
            except FileNotFoundError:
                continue  # another process deleted the last object of the folder, and thereby the folder
            with suppress(FileNotFoundError):  # the new object is deleted already, and its folder with it
                _sync(target.parent)
            return info
        raise unavailable()

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it; if something else is in the way, moving a file there will say so."""
        if folder.is_dir():
            return
        made = self._root
        made.mkdir(parents=True, exist_ok=True)
        for name in folder.relative_to(self._root).parts:
            made /= name
            with suppress(FileExistsError):
                made.mkdir()
                _sync(made.parent)

    def _stat(self, key: str) -> ObjectInfo:
        path = self._path(key)
        with _reading(key):
            if path.is_dir():
                raise missing(key)
            return _info(key, path.stat())

    def _delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
        except OSError as error:
            if error.errno not in ABSENT:
                raise unavailable() from error
        self._remove_empty(path.parent)

    def _delete_below(self, folder: str) -> int:
        deleted = 0
        for info in self._walk(folder):
            path = self._path(info.key)
            with _writing(info.key), suppress(FileNotFoundError):
                path.unlink()
                deleted += 1
            self._remove_empty(path.parent)
        return deleted

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return  # not empty, or already gone: both are what is wanted
            folder = folder.parent

    def _walk(self, folder: str) -> Iterator[ObjectInfo]:
        with _writing(folder):
            for entry in _entries(self._root / folder):
                key = folder + entry.name
                if key == RESERVED_NAME:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(f"{key}/")
                else:
                    with suppress(FileNotFoundError):  # deleted since the folder was read
                        yield _info(key, entry.stat())

    def _probe(self) -> None:
        self._staging.mkdir(parents=True, exist_ok=True)
        probe = self._staging / uuid4().hex
        try:
            probe.write_bytes(b"\0")
        finally:
            probe.unlink(missing_ok=True)

    def _sweep(self) -> int:
        oldest = time.time() - ABANDONED_AFTER.total_seconds()
        removed = 0
        with _writing(RESERVED_NAME):
            for entry in _entries(self._staging):
                with suppress(FileNotFoundError):  # another process sweeps too
                    if entry.stat().st_mtime < oldest:
                        os.unlink(entry)
                        removed += 1
        for folder, _, objects in os.walk(self._root, topdown=False):
            if not objects and folder not in (str(self._root), str(self._staging)):
                with suppress(OSError):  # not empty; whoever is about to put something there makes it anew
                    os.rmdir(folder)
        return removed


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """A folder's entries in the order of the keys they stand for; none if the folder is gone."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entries, key=lambda entry: os.fsencode(entry.name) + b"/" * entry.is_dir(follow_symlinks=False)
            )
    except (FileNotFoundError, NotADirectoryError):
        return []


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size=status.st_size,
        etag=f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}",
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _sync(path: Path) -> None:
    """Have what was written to a file, or into a folder's list of names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reading(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (missing(key) if error.errno in ABSENT else _failure(error)) from error


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in OCCUPIED:
            detail = f"{key} can't be stored: an object is where it needs a folder, or the other way round."
            raise Conflict(detail, reason="KEY_OCCUPIED") from error
        raise _failure(error) from error


def _failure(error: OSError) -> ServiceError:
    if error.errno in EXHAUSTED:
        return full()
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput("The object key is too long for the disk it should go to.", reason="KEY_TOO_LONG")
    return unavailable()
