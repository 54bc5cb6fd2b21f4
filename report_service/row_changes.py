"""The changes in the rows of a stored table, as its ledger has them; runs in a child process."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.kept_rows import kept_rows
from shared.contracts.vocabulary import ChangeKind
from shared.errors import FieldError, InvalidInput

_STEP = re.compile(r"[0-9]{1,9}")
_MAX_CHARACTERS = 1_000
"""Most text of a cell before or after a change: there may be several to each cell of a page."""

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
        self._file = pq.ParquetFile(ledger, read_dictionary=["column", "rule", "kind"])
        self._rows: Indices = self._read("row").to_numpy() - 1
        self._columns = self._read("column")

    def row_numbers(self, indices: Indices) -> tuple[int, ...]:
        """Return the row of the uploaded table, from 1, of each of some rows."""
        return tuple((self._kept[indices] + 1).tolist())

    def find_changed(self, columns: Sequence[str] | None, origin: str = "") -> Mask:
        """Return a mask of the rows of the table that have a change.

        Args:
            columns: the columns that count; None for all.
            origin: the step, from 1, or the rule that made the change; empty for any.
        """
        matches = np.ones(len(self._rows), dtype=bool)
        if columns is not None:
            matches &= _is_in(self._columns, columns)
        if _STEP.fullmatch(origin):
            matches &= self._read("step").to_numpy() == int(origin)
        elif origin:
            matches &= _is_in(self._read("rule"), [origin])
        return self._mark(self._rows[matches])[self._kept]

    def list_changes(self, indices: Indices, columns: Sequence[str]) -> tuple[dict[str, Any], ...]:
        """Return the changes of some rows in some columns, in the order in which they were made."""
        matches = self._mark(self._kept[indices])[self._rows] & _is_in(self._columns, columns)
        changes: list[dict[str, Any]] = []
        start = 0
        for group in range(self._file.num_row_groups):
            end = start + self._file.metadata.row_group(group).num_rows
            places = np.flatnonzero(matches[start:end])
            if len(places):
                changes += self._file.read_row_group(group, use_threads=False).take(pa.array(places)).to_pylist()
            start = end
        return tuple({name: _shorten(value) for name, value in change.items()} for change in changes)

    def _read(self, column: str) -> pa.ChunkedArray:
        return self._file.read([column], use_threads=False).column(column)

    def _mark(self, rows: Indices) -> Mask:
        """Return a mask of the rows of the uploaded table, from 0, with some of them set."""
        mask = np.zeros(max(self._rows.max(initial=-1), self._kept.max(initial=-1)) + 1, dtype=bool)
        mask[rows] = True
        return mask


def _is_in(values: pa.ChunkedArray, names: Sequence[str]) -> Mask:
    """Return a mask of the values of a dictionary column that are among some names."""
    if not len(values):
        return np.zeros(0, dtype=bool)
    accepted = pa.array(names, pa.string())
    parts = []
    for chunk in values.chunks:
        known = np.asarray(pc.is_in(chunk.dictionary.cast(pa.string()), accepted).to_numpy(zero_copy_only=False), bool)
        parts.append(known[chunk.indices.to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)


def _shorten(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= _MAX_CHARACTERS:
        return value
    return value[: _MAX_CHARACTERS - 1] + "…"


def count_changes(ledger: Path) -> dict[str, int]:
    """Return how many changes of each kind a ledger has, in the order of the vocabulary."""
    kinds = pq.read_table(ledger, columns=["kind"], use_threads=False)["kind"].cast(pa.string())
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(kinds).to_pylist()}
    return {kind: counts[kind] for kind in get_args(ChangeKind) if kind in counts}
