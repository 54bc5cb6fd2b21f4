"""The text of cells as the file had it, for values that the cleaned table only writes differently."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.contracts.artifacts import DECODED_METADATA

_COLUMNS = ["row", "column", "before", "after", "rule", "kind"]
_TRIMMED = "read_text"
"""White space around a text is no way to write it."""


@dataclass(frozen=True, eq=False)
class WrittenCells:
    """Cells of one column, in the order of the rows."""

    positions: npt.NDArray[np.int64]
    """Their rows in the cleaned table, from 0."""
    texts: pa.Array

    def within(self, start: int, rows: int) -> tuple[npt.NDArray[np.bool_], pa.Array]:
        """Return a mask of the cells among so many rows from `start` on, and their texts."""
        first, last = np.searchsorted(self.positions, [start, start + rows])
        mask = np.zeros(rows, dtype=np.bool_)
        mask[self.positions[first:last] - start] = True
        return mask, self.texts.slice(first, last - first)


def read_written_cells(changes: Path) -> Mapping[str, WrittenCells]:
    """Return the cells whose value was not changed but only written differently, by column.

    Args:
        changes: the list of changes as a Parquet file. Words for a missing value and cells that were changed as well
            are left out. Lists of earlier versions do not say what kind a change is of; of them, none is returned.
    """
    schema = pq.read_schema(changes)
    if "kind" not in schema.names or DECODED_METADATA not in (schema.metadata or {}):
        return {}
    table = pq.read_table(changes, columns=_COLUMNS)
    decoded = json.loads(schema.metadata[DECODED_METADATA])
    kept = np.setdiff1d(np.arange(decoded["rows"]), np.asarray(decoded["removed"], np.int64), assume_unique=True)
    is_restyled = pc.equal(table["kind"].cast(pa.string()), "restyled")
    restyled = table.filter(
        pc.and_(is_restyled, pc.and_(table["after"].is_valid(), pc.not_equal(table["rule"], _TRIMMED)))
    )
    changed = table.filter(pc.invert(is_restyled))
    return {
        name: _cells(name, restyled, changed, kept)
        for name in restyled["column"].cast(pa.string()).unique().to_pylist()
    }


def _cells(name: str, restyled: pa.Table, changed: pa.Table, kept: npt.NDArray[np.int64]) -> WrittenCells:
    own = restyled.filter(pc.equal(restyled["column"].cast(pa.string()), name))
    others = changed.filter(pc.equal(changed["column"].cast(pa.string()), name))
    rows = own["row"].to_numpy() - 1
    stays = ~np.isin(rows, others["row"].to_numpy() - 1) & np.isin(rows, kept)
    order = np.argsort(rows[stays], kind="stable")
    texts = own["before"].combine_chunks().filter(pa.array(stays)).take(pa.array(order))
    return WrittenCells(np.searchsorted(kept, rows[stays][order]).astype(np.int64), texts)
