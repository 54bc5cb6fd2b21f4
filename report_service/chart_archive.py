"""All charts of a dataset in one ZIP archive, which is sent while charts are still being drawn."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

from shared.rpc.channel import CHUNK_BYTES

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same charts make the same archive."""


class _Sink(io.RawIOBase):
    """A file that can only be written, and whose content is taken away as it grows."""

    def __init__(self) -> None:
        self._content = bytearray()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Add to the content."""
        self._content += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._content)
        self._content.clear()
        return taken


async def zip_pictures(pictures: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """Yield the chunks of an archive of pictures, given by file name, in their order."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        async for name, content in pictures:
            # A PNG does not become smaller.
            method = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, _FIRST_DAY), content, method)
            for chunk in _chunks(sink.take()):
                yield chunk
    for chunk in _chunks(sink.take()):
        yield chunk


def _chunks(content: bytes) -> list[bytes]:
    return [content[start : start + CHUNK_BYTES] for start in range(0, len(content), CHUNK_BYTES)]
