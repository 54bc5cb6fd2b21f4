"""The bytes of a text column as arrays, for vectorised checks of single characters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Characters:
    """The UTF-8 bytes of all cells, and the offset at which each cell begins; the last offset ends the last cell."""

    data: Bytes
    offsets: npt.NDArray[np.int32]

    @classmethod
    def of(cls, text: pa.StringArray) -> "Characters":
        """Return a view of an array, without a copy."""
        _, offsets, data = text.buffers()
        cell_offsets = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
        characters = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
        return cls(characters, cell_offsets)

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """The number of bytes of each cell; 0 for a missing one."""
        return np.diff(self.offsets)

    @property
    def starts(self) -> npt.NDArray[np.int32]:
        """The offset of the first byte of each cell."""
        return self.offsets[:-1]

    @property
    def ends(self) -> npt.NDArray[np.int32]:
        """The offset of the last byte of each cell."""
        return self.offsets[1:] - 1

    def cells_beyond(self, first: int, last: int) -> npt.NDArray[np.intp]:
        """Return the index of a cell for each of its bytes outside the range from `first` to `last`; it may repeat."""
        used = self.data[self.offsets[0] : self.offsets[-1]]
        offsets = np.flatnonzero((used - np.uint8(first)) > last - first) + self.offsets[0]
        cells: npt.NDArray[np.intp] = np.searchsorted(self.offsets, offsets, side="right") - 1
        return cells

    def at(self, offsets: npt.NDArray[np.int32]) -> Bytes:
        """Return the bytes at these offsets, clipped to the data; the caller excludes offsets outside of a cell."""
        if not len(self.data):
            return np.zeros(len(offsets), dtype=np.uint8)
        return self.data.take(offsets, mode="clip")
