"""The cells of a file that are not written as the canonical text of their value."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.cell_text import PLAIN_BELOW
from worker_service.core.parsing.characters import Characters
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Mask

_MOST_CHARACTERS = 16
"""The length of a number with a point and at most 15 digits, which a double always keeps."""


def find_changed_cells(before: pa.Array, after: pa.Array, *, plain: bool = True) -> Mask:
    """Return a mask of the cells that hold text before and have another canonical text, or none, afterwards.

    Args:
        before: the text in the file.
        after: the typed values.
        plain: True if the number format is the one of programs, so that `1.5` can only mean 1.5.
    """
    mask = np.array(before.is_valid().to_numpy(zero_copy_only=False))
    if not plain or not pa.types.is_floating(after.type):
        return mask & _differs_from_text(before, render(after))
    indices = np.flatnonzero(mask & ~_is_canonical_number(before, after))
    mask[:] = False
    mask[indices] = _differs_from_text(before.take(pa.array(indices)), render(after.take(pa.array(indices))))
    return mask


def _differs_from_text(before: pa.Array, after: pa.Array) -> Mask:
    return ~np.asarray(pc.equal(before, after).fill_null(False).to_numpy(zero_copy_only=False))


def _is_canonical_number(text: pa.Array, values: pa.Array) -> Mask:
    """Return a mask of the cells that certainly are canonical text already.

    Such a cell is a number like `-12.5` or `0.25`: a shortest decimal of at most 15 digits that needs no exponent.
    Rendering doubles is slow, so these cells are recognised by their bytes.
    """
    characters = Characters.of(text)
    size = np.abs(values.fill_null(0).to_numpy(zero_copy_only=False))
    start = characters.starts + (characters.at(characters.starts) == ord("-"))
    first, second, last = characters.at(start), characters.at(start + 1), characters.at(characters.ends)
    valid_start = ((first > ord("0")) & (first <= ord("9"))) | ((first == ord("0")) & (second == ord(".")))
    valid_end = (last > ord("0")) & (last <= ord("9")) & (first != ord("."))
    is_short = (characters.lengths > 0) & (characters.lengths <= _MOST_CHARACTERS)
    plain: Mask = valid_start & valid_end & is_short & (size >= 1e-4) & (size < PLAIN_BELOW)
    plain[characters.cells_beyond(ord("-"), ord("9"))] = False
    return plain
