"""What is uploaded: a file, open or by its path, with a count of what was read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from neuralearn.errors import NeuraLearnError

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes that were sent and their total; None where that is not known."""
Source = str | Path | BinaryIO


class CountedFile:
    """A binary file that says how much was read of it."""

    def __init__(self, file: BinaryIO, on_progress: OnProgress | None) -> None:
        self._file = file
        self._on_progress = on_progress
        self._read_bytes = 0
        self.size = _size(file)

    def read(self, size: int = -1) -> bytes:
        """Read like a file."""
        data = self._file.read(size)
        self._read_bytes += len(data)
        if self._on_progress is not None:
            self._on_progress(self._read_bytes, self.size)
        return data

    def rewind(self) -> bool:
        """Go back to the beginning for another attempt; False if that can't be done."""
        if self.size is None:
            return False
        self._file.seek(0)
        self._read_bytes = 0
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek like a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell the position like a file."""
        return self._file.tell()


def is_address(source: Source) -> bool:
    """Return True if a source is to be fetched by the service.

    Raises:
        NeuraLearnError: it is an address of another kind.
    """
    if not isinstance(source, str) or "://" not in source:
        return False
    if not source.startswith(("http://", "https://")):
        raise NeuraLearnError(f"{source[:200]}: only http:// and https:// addresses can be fetched.")
    return True


@contextmanager
def open_source(source: Source, filename: str, on_progress: OnProgress | None) -> Iterator[tuple[str, CountedFile]]:
    """Open what is to be uploaded, and yield its name and its content.

    Args:
        source: a path, or a binary file, which stays open.
        filename: the name that the service shows; empty for that of the file.
        on_progress: called as it is read.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        with path.open("rb") as file:
            yield filename or path.name, CountedFile(file, on_progress)
    else:
        given = str(getattr(source, "name", "") or "")
        # A pipe calls itself <stdin>, or has a number.
        name = "upload.csv" if not given or given.startswith("<") or given.isdigit() else Path(given).name
        yield filename or name, CountedFile(source, on_progress)


def _size(file: BinaryIO) -> int | None:
    """Return how many bytes a file has; None if it can't be gone back in."""
    try:
        if not file.seekable():
            return None
        size = file.seek(0, 2)
        file.seek(0)
    except (OSError, ValueError):
        return None
    return size
