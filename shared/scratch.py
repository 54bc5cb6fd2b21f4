"""Folders for work in progress, gone when the work is."""

import asyncio
import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from shared.errors import Unavailable
from shared.shielding import await_shielded

_PREFIX = "neuralearn-"
_NEWBORN_SECONDS = 5
"""A folder this young may not have been locked by its owner yet."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Scratch:
    """A directory in which this process makes folders. What a killed process left behind is swept away by the others.

    A folder's owner holds a lock on it; the kernel lets go of the lock when the owner dies, however it dies.
    """

    def __init__(self, directory: Path | None) -> None:
        """`directory` None means the system's own directory for temporary files."""
        self.directory = directory or Path(tempfile.gettempdir())
        self.directory.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """A folder of one's own, removed with everything in it when the block ends.

        Raises:
            Unavailable: reason STORAGE_FULL, when the block finds no room on the disk.
        """
        with _room_needed():
            self._sweep()
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.directory))
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield path
            finally:
                try:
                    await await_shielded(asyncio.to_thread(shutil.rmtree, path, ignore_errors=True))
                finally:
                    os.close(lock)

    def _sweep(self) -> None:
        for folder in self.directory.glob(_PREFIX + "*"):
            with suppress(OSError):
                if folder.stat().st_mtime < time.time() - _NEWBORN_SECONDS:
                    _remove_unowned(folder)


def _remove_unowned(folder: Path) -> None:
    """Remove a folder nobody holds; OSError where somebody does."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def no_room(error: BaseException) -> Unavailable | None:
    """What to raise instead of an error that comes of a full disk; None for any other."""
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        return None
    sentence = "The service has no disk space left for this; please try again later."
    return Unavailable(sentence, reason="STORAGE_FULL", retry_after=60)


@contextmanager
def _room_needed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if (full := no_room(error)) is not None:
            raise full from error
        raise
