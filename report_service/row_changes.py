"""The changes in the rows of a stored table, as its ledger has them; runs in a child process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.tables.written_cells import kept_rows
from shared.contracts.row_values import cut_text
from shared.errors import FieldError, InvalidInput

ANY_COLUMN = "*"

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class RowChanges:
    """The ledger of a preparation beside the rows of one of its tables."""

    def __init__(self, ledger: Path, *, rows: int, is_raw: bool) -> None:
        """Read which cells have changes.

        Args:
            ledger: the changes as a Parquet file.
            rows: the number of rows of the table.
            is_raw: True for the decoded table, which has the rows that were removed.

        Raises:
            InvalidInput: the ledger was written by a version that did not keep which rows are left.
        """
        kept = np.arange(rows, dtype=np.int64) if is_raw else kept_rows(ledger)
        if kept is None or len(kept) != rows:
            problem = "are not known of this table; prepare the dataset again"
            raise InvalidInput(f"changes {problem}.", fields=[FieldError(field="changes", detail=problem)])
        self._kept = kept
        self._path = ledger
        self._cells = pq.read_table(ledger, columns=["row", "column", "step", "rule"], use_threads=False)
        self._rows: Indices = self._cells["row"].to_numpy() - 1

    def row_numbers(self, indices: Indices) -> tuple[int, ...]:
        """Return the row of the uploaded table, from 1, of each of some rows."""
        return tuple((self._kept[indices] + 1).tolist())

    def find_changed(self, columns: Sequence[str], origin: str = "") -> Mask:
        """Return a mask of the rows of the table that have a change.

        Args:
            columns: the columns that count; `*` is any.
            origin: the step, from 1, or the rule that made the change; empty for any.
        """
        matches = np.ones(len(self._rows), dtype=bool)
        if ANY_COLUMN not in columns:
            matches &= _is_in(self._cells["column"], columns)
        if origin:
            if origin.isdecimal():
                matches &= self._cells["step"].to_numpy() == int(origin)
            else:
                matches &= _is_in(self._cells["rule"], [origin])
        return np.isin(self._kept, self._rows[matches])

    def list_changes(self, indices: Indices, columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """Return the changes of some rows in some columns, in the order in which they were made."""
        matches = np.isin(self._rows, self._kept[indices]) & _is_in(self._cells["column"], columns)
        if not matches.any():
            return ()
        with pq.ParquetFile(self._path) as file:
            table = file.read(use_threads=False).filter(pa.array(matches))
        return tuple({name: _shorten(value) for name, value in change.items()} for change in table.to_pylist())


def _is_in(values: pa.ChunkedArray, names: Sequence[str]) -> Mask:
    mask = pc.is_in(values.cast(pa.string()), pa.array(names, pa.string()))
    return np.asarray(mask.to_numpy(), dtype=bool)


def _shorten(value: Any) -> Any:
    return cut_text(value) if isinstance(value, str) else value
