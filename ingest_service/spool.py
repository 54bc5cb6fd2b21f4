"""Receiving a file: bytes go to disk as they come, counted, hashed and limited on the way."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import TooLarge

_BATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Received:
    """A file on disk."""

    path: Path
    size_bytes: int
    sha256: str


async def receive(chunks: AsyncIterator[bytes], path: Path, *, max_bytes: int) -> Received:
    """Write the chunks to `path`; memory stays within about 1 MiB however long the file is.

    Raises:
        TooLarge: more than `max_bytes` came.
    """
    digest = hashlib.sha256()
    size = 0
    batch = bytearray()
    with path.open("wb") as file:

        def write(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        async for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise too_large(max_bytes)
            batch += chunk
            if len(batch) >= _BATCH_BYTES:
                await asyncio.to_thread(write, bytes(batch))
                batch.clear()
        await asyncio.to_thread(write, bytes(batch))
    return Received(path=path, size_bytes=size, sha256=digest.hexdigest())


def too_large(max_bytes: int) -> TooLarge:
    """The error for a file over the limit."""
    return TooLarge(
        f"The file is larger than the {max_bytes:,} bytes accepted.", metadata={"max_bytes": str(max_bytes)}
    )
