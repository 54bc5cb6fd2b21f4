"""Which cells of a file are not written the way their value is rendered."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.frame import Mask
from worker_service.core.rendering import render

_UNUSUAL = b"eE+, \t"
_MOST_EXACT = 16
"""Characters of a number that has at most 15 digits, which a double always keeps."""


def differs(before: pa.Array, after: pa.Array) -> Mask:
    """Cells that hold text before, and whose canonical text afterwards is another or none."""
    mask = _valid(before)
    if pa.types.is_floating(after.type):
        mask &= ~_plainly_equal(before, after)
        if mask.sum() < len(mask):
            places = np.flatnonzero(mask)
            mask[places] = _unequal(before.take(pa.array(places)), render(after.take(pa.array(places))))
            return mask
    return mask & _unequal(before, render(after))


def _unequal(before: pa.Array, after: pa.Array) -> Mask:
    return ~np.asarray(pc.equal(before, after).fill_null(False).to_numpy(zero_copy_only=False))


def _valid(array: pa.Array) -> Mask:
    return np.array(array.is_valid().to_numpy(zero_copy_only=False))


def _plainly_equal(text: pa.Array, values: pa.Array) -> Mask:
    """Cells that certainly render as they are written, found from their bytes: rendering doubles is what costs time.

    Such a cell is a number like `-12.5` or `0.25`: a shortest decimal of at most 15 digits that needs no exponent.
    """
    offsets, data = _bytes(text)
    written = data[offsets[0] : offsets[-1]]
    if not len(written) or any((written == sign).any() for sign in _UNUSUAL):
        return np.zeros(len(text), dtype=bool)
    size = np.abs(values.fill_null(0).to_numpy(zero_copy_only=False))
    lengths = np.diff(offsets)
    start = offsets[:-1]
    start = start + (_at(data, start) == ord("-"))
    first, second, last = _at(data, start), _at(data, start + 1), _at(data, offsets[1:] - 1)
    led = (first > ord("0")) | ((first == ord("0")) & (second == ord(".")))
    ends = (last > ord("0")) & (last <= ord("9")) & (first != ord("."))
    plain: Mask = led & ends & (lengths > 0) & (lengths <= _MOST_EXACT) & (size >= 1e-4) & (size < 1e15)
    return plain


def _bytes(text: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    _, offsets, data = text.buffers()
    places = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    return places, np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)


def _at(data: npt.NDArray[np.uint8], places: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    return data[np.minimum(np.maximum(places, 0), len(data) - 1)]
