"""Folders for work in progress, gone when the work is."""

import asyncio
import errno
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shared.errors import Unavailable

_PREFIX = "neuralearn-"
_STALE_SECONDS = 24 * 3600
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Scratch:
    """A directory in which this process makes folders; what a killed process left behind for a day is swept away."""

    def __init__(self, directory: Path | None) -> None:
        """`directory` None means the system's own directory for temporary files."""
        self.directory = directory or Path(tempfile.gettempdir())
        self.directory.mkdir(parents=True, exist_ok=True)
        for leftover in self.directory.glob(_PREFIX + "*"):
            if leftover.stat().st_mtime < time.time() - _STALE_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """A folder of one's own, removed with everything in it when the block ends.

        Raises:
            Unavailable: reason STORAGE_FULL, when the block finds no room on the disk.
        """
        with _room_needed():
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.directory))
            try:
                yield path
            finally:
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


@contextmanager
def _room_needed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            sentence = "The service has no disk space left for this; please try again later."
            raise Unavailable(sentence, reason="STORAGE_FULL", retry_after=60) from error
        raise
