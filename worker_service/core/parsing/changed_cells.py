"""Which cells of a file are not written the way their value is rendered."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.cell_text import PLAIN_BELOW
from worker_service.core.parsing.characters import Characters
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Mask

_MOST_EXACT = 16
"""Characters of a number that has at most 15 digits, which a double always keeps."""


def differs(before: pa.Array, after: pa.Array, *, plain: bool = True) -> Mask:
    """Cells that hold text before, and whose canonical text afterwards is another or none.

    `plain` says that a number written with digits and a point was read as just that.
    """
    mask = np.array(before.is_valid().to_numpy(zero_copy_only=False))
    if not plain or not pa.types.is_floating(after.type):
        return mask & _unequal(before, render(after))
    places = np.flatnonzero(mask & ~_plainly_equal(before, after))
    mask[:] = False
    mask[places] = _unequal(before.take(pa.array(places)), render(after.take(pa.array(places))))
    return mask


def _unequal(before: pa.Array, after: pa.Array) -> Mask:
    return ~np.asarray(pc.equal(before, after).fill_null(False).to_numpy(zero_copy_only=False))


def _plainly_equal(text: pa.Array, values: pa.Array) -> Mask:
    """Cells that certainly render as they are written, found from their bytes: rendering doubles is what costs time.

    Such a cell is a number like `-12.5` or `0.25`: a shortest decimal of at most 15 digits that needs no exponent.
    """
    characters = Characters.of(text)
    size = np.abs(values.fill_null(0).to_numpy(zero_copy_only=False))
    start = characters.starts + (characters.at(characters.starts) == ord("-"))
    first, second, last = characters.at(start), characters.at(start + 1), characters.at(characters.ends)
    led = ((first > ord("0")) & (first <= ord("9"))) | ((first == ord("0")) & (second == ord(".")))
    ended = (last > ord("0")) & (last <= ord("9")) & (first != ord("."))
    short = (characters.lengths > 0) & (characters.lengths <= _MOST_EXACT)
    plain: Mask = led & ended & short & (size >= 1e-4) & (size < PLAIN_BELOW)
    plain[characters.cells_beyond(ord("-"), ord("9"))] = False
    return plain
