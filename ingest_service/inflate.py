"""Decompression of gzip data in small pieces, so that a small chunk can't use much memory."""

import zlib
from collections.abc import Iterator

_MAX_PIECE_BYTES = 1 << 18
_GZIP_WBITS = 31  # In zlib this means the largest window and a gzip header.


class InflateError(Exception):
    """The data is not valid gzip data, or is cut off."""


class Inflater:
    """A decompressor that takes gzip data in chunks and yields pieces of at most 256 KiB."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WBITS)
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data that this chunk completes.

        Raises:
            InflateError: the chunk is not gzip data.
        """
        while chunk:
            if self._member.eof:  # A gzip file may consist of several members.
                self._member = zlib.decompressobj(_GZIP_WBITS)
            self._started = True
            try:
                piece = self._member.decompress(chunk, _MAX_PIECE_BYTES)
            except zlib.error as error:
                raise InflateError from error
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece

    def finish(self) -> None:
        """Check that the data is complete; call this after the last chunk.

        Raises:
            InflateError: the data was cut off.
        """
        if not self._member.eof and self._started:
            raise InflateError
