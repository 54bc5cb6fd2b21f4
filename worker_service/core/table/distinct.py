"""The distinct values of a column and how often each occurs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.table.frame import Column


@dataclass(frozen=True, eq=False)
class Distinct:
    """The distinct values of a column in order of first appearance, with their counts."""

    values: pa.Array
    counts: npt.NDArray[np.int64]
    """The number of cells with each value."""
    codes: npt.NDArray[np.int32]
    """The index into `values` of each cell's value; -1 where the cell is missing."""

    def spread(self, results: pa.Array) -> pa.Array:
        """Return an array as long as the column with the result for each cell's value; null where it is missing.

        Args:
            results: one result for each of `values`, in the same order.
        """
        if len(self.codes) and self.codes.min() < 0:
            return results.take(pa.array(self.codes, mask=self.codes < 0))
        return results.take(pa.array(self.codes))

    def by_frequency(self) -> npt.NDArray[np.int64]:
        """Return the indices of the values by falling count; values of equal count stay in order of appearance."""
        return np.argsort(-self.counts, kind="stable")


def distinct(column: Column) -> Distinct:
    """Return the distinct values of a column of any type."""
    encoded = column.array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary)).astype(np.int64)
    return Distinct(encoded.dictionary, counts, codes)
