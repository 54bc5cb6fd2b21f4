"""The different values of a column and how often each occurs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from worker_service.core.table.frame import Column


@dataclass(frozen=True, eq=False)
class Distinct:
    """Different values in order of first appearance, their counts, and each cell's value by its place (-1: missing)."""

    values: pa.Array
    counts: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]

    def spread(self, results: pa.Array) -> pa.Array:
        """Give each cell the result found for its value; null where the cell is missing."""
        if len(self.codes) and self.codes.min() < 0:
            return results.take(pa.array(self.codes, mask=self.codes < 0))
        return results.take(pa.array(self.codes))

    def by_frequency(self) -> npt.NDArray[np.int64]:
        """Places of the values, the most frequent first; equally frequent ones in order of appearance."""
        return np.argsort(-self.counts, kind="stable")


def distinct(column: Column) -> Distinct:
    """Find the different values of a column of any type."""
    encoded = column.array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary)).astype(np.int64)
    return Distinct(encoded.dictionary, counts, codes)
