"""An object store of plain files below a directory, for a single machine or a shared volume.

A write goes to a new file in `.staging`, which is synced to disk and then renamed to its key, so an object is whole or
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
from typing import BinaryIO
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
    object_not_found,
    stat_plain_file,
    storage_full,
    storage_unavailable,
)

PUBLISH_ATTEMPTS = 100
LIST_BATCH_SIZE = 512

_ABSENT_ERRNOS = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_OCCUPIED_ERRNOS = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}


class LocalObjectStore:
    """An `ObjectStore` in a directory, which is made on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._staging = self._root / RESERVED_NAME

    async def put_file(self, key: str, path: Path, *, move: bool = False) -> ObjectInfo:
        """Store a file; `move` renames it if possible, and otherwise copies and removes it."""
        store = self._move if move else self._copy
        return await asyncio.to_thread(store, check_key(key), path)

    async def put_bytes(self, key: str, data: bytes) -> ObjectInfo:
        """Store `data`."""
        return await asyncio.to_thread(self._put, check_key(key), lambda staged: staged.write_bytes(data))

    async def stat(self, key: str) -> ObjectInfo:
        """Return the metadata of an object."""
        return await asyncio.to_thread(self._stat, check_key(key))

    async def read(self, key: str, *, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """Stream an object from one open file, so that a replacement has no effect on the reader."""
        check_range(offset, length)
        path = self._path(check_key(key))
        with _read_errors(key):
            source, chunk = await asyncio.to_thread(_open_at, path, offset, length)
        remaining = None if length is None else length - len(chunk)
        if source is None:
            if chunk:
                yield chunk
            return
        try:
            yield chunk
            while remaining is None or remaining > 0:
                with _read_errors(key):
                    chunk = await asyncio.to_thread(
                        source.read, CHUNK_BYTES if remaining is None else min(remaining, CHUNK_BYTES)
                    )
                if not chunk:
                    return
                remaining = None if remaining is None else remaining - len(chunk)
                yield chunk
        finally:
            # The file is closed in a thread, because closing waits for the read of a cancelled task.
            await asyncio.to_thread(source.close)

    async def read_bytes(self, key: str) -> bytes:
        """Return the contents of an object."""
        path = self._path(check_key(key))
        with _read_errors(key):
            return await asyncio.to_thread(path.read_bytes)

    @asynccontextmanager
    async def local_copy(self, key: str, *, scratch: Path) -> AsyncIterator[Path]:
        """Provide the path of the object itself."""
        await self.stat(key)
        yield self._path(key)

    async def delete(self, key: str) -> None:
        """Remove an object and the folders that are empty then."""
        await asyncio.to_thread(self._delete, check_key(key))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove the objects of a folder and the folders that are empty then."""
        if not prefix:
            raise InvalidInput("Deleting needs a prefix that is not empty.", reason="INVALID_KEY")
        return await asyncio.to_thread(self._delete_below, folder_of(prefix))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """List the objects of a folder, in batches of some hundred."""
        infos = self._walk(folder_of(prefix))
        while batch := await asyncio.to_thread(lambda: tuple(islice(infos, LIST_BATCH_SIZE))):
            for info in batch:
                yield info

    async def presign(self, key: str, *, expires: timedelta, filename: str, media_type: str) -> str | None:
        """Return None, as files of a directory have no address."""
        return None

    async def check(self) -> None:
        """Write and remove a file."""
        try:
            await asyncio.to_thread(self._probe)
        except OSError as error:
            raise Unavailable(
                f"STORAGE_DIR: can't keep files in {self._root}: {error.strerror}.",
                reason="STORAGE_FULL" if error.errno in _FULL_ERRNOS else "STORAGE_UNAVAILABLE",
            ) from error

    async def ping(self) -> None:
        """Write and remove a file."""
        await self.check()

    async def sweep(self) -> int:
        """Remove abandoned staged files, and empty folders."""
        return await asyncio.to_thread(self._sweep)

    async def close(self) -> None:
        """Do nothing, as no file stays open between calls."""

    def _path(self, key: str) -> Path:
        return self._root / key

    def _copy(self, key: str, path: Path) -> ObjectInfo:
        stat_plain_file(path)  # a missing source is the caller's mistake, not a failure of the store
        return self._put(key, lambda staged: shutil.copyfile(path, staged))

    def _move(self, key: str, path: Path) -> ObjectInfo:
        stat_plain_file(path)
        with _write_errors(key):
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
        with _write_errors(key):
            self._staging.mkdir(parents=True, exist_ok=True)
            try:
                fill(staged)
                return self._publish(key, staged)
            finally:
                staged.unlink(missing_ok=True)

    def _publish(self, key: str, staged: Path) -> ObjectInfo:
        # The clock of the file system is coarse: without this, two versions could have the same time and thus etag.
        os.utime(staged, ns=(now := time.time_ns(), now))
        _sync(staged)
        info = _info(key, staged.stat())
        target = self._path(key)
        for _ in range(PUBLISH_ATTEMPTS):
            try:
                self._make_folder(target.parent)
                staged.replace(target)
            except FileNotFoundError:
                continue  # another process deleted the last object of the folder, and the folder with it
            with suppress(FileNotFoundError):  # another process has deleted the new object and its folder already
                _sync(target.parent)
            return info
        raise storage_unavailable()

    def _make_folder(self, folder: Path) -> None:
        """Create a folder and its parents; if a file is in the way, publishing fails afterwards."""
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
        with _read_errors(key):
            if path.is_dir():
                raise object_not_found(key)
            return _info(key, path.stat())

    def _delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
        except OSError as error:
            if error.errno not in _ABSENT_ERRNOS:
                raise storage_unavailable() from error
        self._remove_empty(path.parent)

    def _delete_below(self, folder: str) -> int:
        deleted = 0
        for info in self._walk(folder):
            path = self._path(info.key)
            with _write_errors(info.key), suppress(FileNotFoundError):
                path.unlink()
                deleted += 1
            self._remove_empty(path.parent)
        return deleted

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return  # it is not empty, or another process has removed it
            folder = folder.parent

    def _walk(self, folder: str) -> Iterator[ObjectInfo]:
        with _write_errors(folder):
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
        with _write_errors(RESERVED_NAME):
            for entry in _entries(self._staging):
                with suppress(FileNotFoundError):  # another process sweeps too
                    if entry.stat().st_mtime < oldest:
                        os.unlink(entry)
                        removed += 1
        for folder, _, objects in os.walk(self._root, topdown=False):
            if not objects and folder not in (str(self._root), str(self._staging)):
                with suppress(OSError):  # not empty; a writer that is about to use the folder creates it again
                    os.rmdir(folder)
        return removed


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder in the order of their keys; none if the folder does not exist."""
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
    """Sync a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_at(path: Path, offset: int, length: int | None) -> tuple[BinaryIO | None, bytes]:
    """Return an open file and its first chunk, and no file if the object ends with it, in one turn of a thread."""
    size = CHUNK_BYTES if length is None else min(length, CHUNK_BYTES)
    source = path.open("rb")
    try:
        source.seek(offset)
        chunk = source.read(size)
        if len(chunk) == size and size != length:
            return source, chunk
    except BaseException:
        source.close()
        raise
    source.close()
    return None, chunk


@contextmanager
def _read_errors(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (object_not_found(key) if error.errno in _ABSENT_ERRNOS else _service_error(error)) from error


@contextmanager
def _write_errors(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _OCCUPIED_ERRNOS:
            detail = f"{key} can't be stored: an object is where it needs a folder, or the other way round."
            raise Conflict(detail, reason="KEY_OCCUPIED") from error
        raise _service_error(error) from error


def _service_error(error: OSError) -> ServiceError:
    if error.errno in _FULL_ERRNOS:
        return storage_full()
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput("The object key is too long for the disk it should go to.", reason="KEY_TOO_LONG")
    return storage_unavailable()
