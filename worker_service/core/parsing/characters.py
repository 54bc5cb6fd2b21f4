"""The bytes of a text column as arrays, to look at one character of every cell at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Characters:
    """The UTF-8 bytes of all cells and where each cell begins; the last offset is the end of the last cell."""

    data: Bytes
    offsets: npt.NDArray[np.int32]

    @classmethod
    def of(cls, text: pa.StringArray) -> "Characters":
        """Look into an array without copying it."""
        _, offsets, data = text.buffers()
        places = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
        written = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
        return cls(written, places)

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """Bytes of each cell; 0 for a missing one."""
        return np.diff(self.offsets)

    @property
    def starts(self) -> npt.NDArray[np.int32]:
        """Where each cell begins."""
        return self.offsets[:-1]

    @property
    def ends(self) -> npt.NDArray[np.int32]:
        """Where each cell's last byte is."""
        return self.offsets[1:] - 1

    def cells_beyond(self, first: int, last: int) -> npt.NDArray[np.intp]:
        """The cells that contain a byte which is not one of those from `first` to `last`, perhaps repeatedly."""
        written = self.data[self.offsets[0] : self.offsets[-1]]
        places = np.flatnonzero((written - np.uint8(first)) > last - first) + self.offsets[0]
        cells: npt.NDArray[np.intp] = np.searchsorted(self.offsets, places, side="right") - 1
        return cells

    def at(self, places: npt.NDArray[np.int32]) -> Bytes:
        """The bytes at these places; what lies outside a cell is for the caller to leave out."""
        if not len(self.data):
            return np.zeros(len(places), dtype=np.uint8)
        return self.data.take(places, mode="clip")
