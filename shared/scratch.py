"""Temporary folders for work in progress, removed when the work ends."""

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
_LOCK_GRACE_SECONDS = 5
"""A folder younger than this may not have been locked by its owner yet."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Scratch:
    """A directory for temporary folders. Folders of killed processes are removed by the other processes.

    The owner of a folder holds a lock on it, which the kernel releases when the owner dies.
    """

    def __init__(self, directory: Path | None) -> None:
        """Create the directory and remove abandoned folders.

        Args:
            directory: where to create folders; None for the system's directory for temporary files.
        """
        self.directory = directory or Path(tempfile.gettempdir())
        self.directory.mkdir(parents=True, exist_ok=True)
        self._sweep()

    @asynccontextmanager
    async def folder(self, purpose: str = "") -> AsyncIterator[Path]:
        """Create a folder that is removed with its contents when the block ends.

        Args:
            purpose: a word for its name, which tells people what it is for.

        Raises:
            Unavailable: with reason STORAGE_FULL, when the disk is full.
        """
        with _disk_full_errors():
            self._sweep()
            path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{purpose}", dir=self.directory))
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
                if folder.stat().st_mtime < time.time() - _LOCK_GRACE_SECONDS:
                    _remove_unowned(folder)


def _remove_unowned(folder: Path) -> None:
    """Remove a folder that is not locked.

    Raises:
        OSError: its owner holds the lock.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def disk_full_error(error: BaseException) -> Unavailable | None:
    """Return the service error for an error that a full disk caused; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in _DISK_FULL:
        return None
    sentence = "The service has no disk space left for this; please try again later."
    return Unavailable(sentence, reason="STORAGE_FULL", retry_after=60)


@contextmanager
def _disk_full_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if (disk_full := disk_full_error(error)) is not None:
            raise disk_full from error
        raise
