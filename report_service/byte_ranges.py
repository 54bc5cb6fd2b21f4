"""A local file with the wanted parts of a stored Parquet file, so that a page of it costs a page."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from shared.storage import ObjectStore

END_BYTES = 256 * 1024
"""How much of the end is fetched to find the footer in it; what a larger one lacks is fetched then."""
_TRAILER_BYTES = 8
"""A Parquet file ends with the size of its footer, in four bytes, and four that say what it is."""


class ByteRange(NamedTuple):
    """Some bytes of a file."""

    offset: int
    length: int


class PartialCopy:
    """Fetches stretches of an object into a file of the same size; the rest of it takes no room and means nothing."""

    def __init__(self, store: ObjectStore, key: str, path: Path) -> None:
        self._store = store
        self._key = key
        self.path = path

    async def fetch_footer(self) -> None:
        """Make the file, and fetch what a reader of Parquet reads first."""
        size = (await self._store.stat(self._key)).size
        await asyncio.to_thread(_make, self.path, size)
        begin = max(0, size - END_BYTES)
        await self.fetch([ByteRange(begin, size - begin)])
        trailer = await asyncio.to_thread(_read_end, self.path)
        footer = size - _TRAILER_BYTES - int.from_bytes(trailer[:4], "little")
        if 0 <= footer < begin:
            await self.fetch([ByteRange(footer, begin - footer)])

    async def fetch(self, stretches: Iterable[ByteRange]) -> None:
        """Fetch the stretches, one after the other."""
        for stretch in stretches:
            place = stretch.offset
            async with aclosing(self._store.read(self._key, offset=place, length=stretch.length)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(_write_at, self.path, place, chunk)
                    place += len(chunk)


def _make(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _write_at(path: Path, place: int, chunk: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(chunk)


def _read_end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TRAILER_BYTES))
        return file.read()
