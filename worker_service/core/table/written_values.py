"""The values of a column as text, and with them what the cells held that do not fit its type."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column


@dataclass(frozen=True, eq=False)
class WrittenValues:
    """The different values of a column in order of first appearance; those that do not fit its type come last."""

    texts: pa.StringArray
    """Values of the type as canonical text, others as they were written."""
    counts: npt.NDArray[np.int64]
    """The number of cells with each value."""
    codes: npt.NDArray[np.int64]
    """The index into `texts` of each cell's value; -1 where there is none."""
    fitting: int
    """The number of values that fit the type."""

    def texts_of(self, codes: npt.NDArray[np.integer]) -> list[str]:
        """Return the texts of the values with these codes."""
        texts: list[str] = self.texts.take(pa.array(codes)).to_pylist()
        return texts


def written_values(column: Column, unfit: pa.StringArray | None = None) -> WrittenValues:
    """Return the values of a column.

    Args:
        column: the column as its type.
        unfit: for each cell what it held that does not fit the type, null elsewhere; None if all cells fit.
    """
    levels = column.derive(distinct)
    texts, codes = render(levels.values), levels.codes.astype(np.int64)
    if unfit is None or unfit.null_count == len(unfit):
        return WrittenValues(texts, levels.counts, codes, len(texts))
    encoded = unfit.dictionary_encode()
    other_codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
    counts = np.bincount(other_codes[other_codes >= 0], minlength=len(encoded.dictionary))
    return WrittenValues(
        texts=pa.concat_arrays([texts.cast(pa.string()), encoded.dictionary.cast(pa.string())]),
        counts=np.concatenate([levels.counts, counts]),
        codes=np.where(other_codes >= 0, len(texts) + other_codes, codes),
        fitting=len(texts),
    )
