"""Download of byte ranges of a stored Parquet file, so that a page of rows needs few bytes."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from shared.storage import ObjectStore

TAIL_BYTES = 256 * 1024
"""Bytes fetched from the end of the file to read the footer; the rest of a larger footer is fetched afterwards."""
_TRAILER_BYTES = 8
"""Length of the trailer: the size of the footer in four bytes, and the four magic bytes of Parquet."""


class ByteRange(NamedTuple):
    """A range of bytes of a file."""

    offset: int
    length: int


class PartialCopy:
    """A sparse local copy of a stored object that holds only the fetched byte ranges."""

    def __init__(self, store: ObjectStore, key: str, path: Path) -> None:
        self._store = store
        self._key = key
        self.path = path

    async def fetch_footer(self) -> None:
        """Create the local file and fetch the footer of the Parquet file."""
        size = (await self._store.stat(self._key)).size
        await asyncio.to_thread(_create_sparse_file, self.path, size)
        tail_start = max(0, size - TAIL_BYTES)
        await self.fetch([ByteRange(tail_start, size - tail_start)])
        trailer = await asyncio.to_thread(_read_end, self.path)
        footer_start = size - _TRAILER_BYTES - int.from_bytes(trailer[:4], "little")
        if 0 <= footer_start < tail_start:
            await self.fetch([ByteRange(footer_start, tail_start - footer_start)])

    async def fetch(self, ranges: Iterable[ByteRange]) -> None:
        """Fetch byte ranges, one after the other."""
        for byte_range in ranges:
            offset = byte_range.offset
            async with aclosing(self._store.read(self._key, offset=offset, length=byte_range.length)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(_write_at, self.path, offset, chunk)
                    offset += len(chunk)


def _create_sparse_file(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _write_at(path: Path, offset: int, chunk: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(chunk)


def _read_end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TRAILER_BYTES))
        return file.read()
