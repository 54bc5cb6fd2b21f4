"""Spooling of a received file to disk, with its name cleaned and its bytes counted, hashed and limited."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from shared.errors import TooLarge

_BUFFER_BYTES = 1 << 20
_MAX_FILENAME_CHARACTERS = 200


@dataclass(frozen=True)
class ReceivedFile:
    """A received file on disk."""

    path: Path
    size_bytes: int
    sha256: str


async def receive(chunks: AsyncIterator[bytes], path: Path, *, max_bytes: int) -> ReceivedFile:
    """Write the chunks to `path`, buffering at most about 1 MiB in memory.

    Raises:
        TooLarge: the chunks have more than `max_bytes` bytes.
    """
    digest = hashlib.sha256()
    size = 0
    buffer = bytearray()
    with path.open("wb") as file:

        def write(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        async for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise too_large(max_bytes)
            buffer += chunk
            if len(buffer) >= _BUFFER_BYTES:
                await asyncio.to_thread(write, bytes(buffer))
                buffer.clear()
        await asyncio.to_thread(write, bytes(buffer))
    return ReceivedFile(path=path, size_bytes=size, sha256=digest.hexdigest())


def too_large(max_bytes: int) -> TooLarge:
    """Return the error for a file over the limit."""
    return TooLarge(
        f"The file is larger than the {max_bytes:,} bytes accepted.", metadata={"max_bytes": str(max_bytes)}
    )


def clean_filename(filename: str) -> str:
    """Return the last part of a path, printable, and short enough for every object store."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip()
    if len(printable) > _MAX_FILENAME_CHARACTERS:
        suffix = PurePath(printable).suffix[:20]
        printable = printable[: _MAX_FILENAME_CHARACTERS - len(suffix)] + suffix
    return printable or "dataset"
