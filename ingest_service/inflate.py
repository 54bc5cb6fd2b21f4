"""Inflating gzip data a little at a time, so that a small chunk can't become a large piece of memory."""

import zlib
from collections.abc import Iterator

_PIECE = 1 << 18
_GZIP = 31  # zlib's number for its largest window and a gzip header


class InflateError(Exception):
    """The data is not whole gzip data."""


class Inflater:
    """Takes gzip data in chunks and gives what they hold in pieces of at most 256 KiB."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces that can be had with this chunk.

        Raises:
            InflateError: it is not gzip data.
        """
        while chunk:
            if self._member.eof:  # gzip files may follow each other
                self._member = zlib.decompressobj(_GZIP)
            self._begun = True
            try:
                piece = self._member.decompress(chunk, _PIECE)
            except zlib.error as error:
                raise InflateError from error
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece

    def finish(self) -> None:
        """To be called after the last chunk.

        Raises:
            InflateError: the data was cut off.
        """
        if not self._member.eof and self._begun:
            raise InflateError
