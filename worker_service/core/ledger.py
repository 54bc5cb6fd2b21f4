"""Every change of a cell, and the way back."""

import json
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.frame import Column, Frame
from worker_service.core.rendering import render
from worker_service.core.steps import Effect

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("column", pa.dictionary(pa.int32(), pa.string())),
        pa.field("before", pa.string()),
        pa.field("after", pa.string()),
        pa.field("step", pa.int32()),
        pa.field("rule", pa.string()),
        pa.field("confidence", pa.float64()),
    ]
)
"""`row` counts from 0 in the decoded table; `before` and `after` are canonical text, null for missing or removed."""

_DECODED = b"neuralearn.decoded"
"""Metadata of the ledger: what it takes beside the entries to rebuild the decoded table, as JSON."""


@dataclass
class Ledger:
    """Collects entries while a recipe is carried out on a decoded frame."""

    decoded: Frame
    entries: list[pa.Table] = field(default_factory=list)

    def record(self, frame: Frame, effect: Effect, *, step: int, rule: str, confidence: float) -> int:
        """Write down what an effect does to a frame; returns the number of cells whose value it changes."""
        for name, change in effect.changed.items():
            places = np.flatnonzero(change.cells)
            self._enter(frame, name, places, change.column, step=step, rule=rule, confidence=confidence)
        for name in effect.dropped:
            everywhere = np.arange(frame.rows)
            self._enter(frame, name, everywhere, None, step=step, rule=rule, confidence=confidence)
        if effect.kept_rows is not None:
            removed = np.flatnonzero(~effect.kept_rows)
            for name in frame.names:
                self._enter(frame, name, removed, None, step=step, rule=rule, confidence=confidence)
        return sum(int(change.cells.sum()) for change in effect.changed.values())

    def close(self, cleaned: Frame) -> pa.Table:
        """All entries in the order of the steps, with what `undo` needs in the table's metadata."""
        removed = np.setdiff1d(self.decoded.row_numbers, cleaned.row_numbers, assume_unique=True)
        decoded = {"columns": self.decoded.names, "rows": self.decoded.rows, "removed": removed.tolist()}
        table = pa.concat_tables(self.entries) if self.entries else SCHEMA.empty_table()
        return table.replace_schema_metadata({_DECODED: json.dumps(decoded).encode()})

    def _enter(
        self,
        frame: Frame,
        name: str,
        places: npt.NDArray[np.intp],
        after: Column | None,
        *,
        step: int,
        rule: str,
        confidence: float,
    ) -> None:
        size = len(places)
        if not size or name not in self.decoded:
            return
        taken = pa.array(places)
        columns = [
            pa.array(frame.row_numbers[places]),
            pa.array([name]).dictionary_encode().take(pa.array(np.zeros(size, dtype=np.int32))),
            render(frame[name].array.take(taken)),
            pa.nulls(size, pa.string()) if after is None else render(after.array.take(taken)),
            pa.array(np.full(size, step, dtype=np.int32)),
            pa.repeat(pa.scalar(rule), size),
            pa.array(np.full(size, confidence, dtype=np.float64)),
        ]
        self.entries.append(pa.Table.from_arrays(columns, schema=SCHEMA))


def undo(changes: pa.Table, cleaned: pa.Table) -> pa.Table:
    """The decoded table as canonical text, rebuilt from the cleaned table and the ledger alone.

    `changes` must carry its metadata, which parquet and Arrow files keep.
    """
    decoded = json.loads(changes.schema.metadata[_DECODED])
    kept = np.setdiff1d(np.arange(decoded["rows"]), np.asarray(decoded["removed"], dtype=np.int64), assume_unique=True)
    return pa.table({name: _undo_column(name, changes, cleaned, kept, decoded["rows"]) for name in decoded["columns"]})


def _undo_column(
    name: str, changes: pa.Table, cleaned: pa.Table, kept: npt.NDArray[np.int64], rows: int
) -> pa.StringArray:
    entries = changes.filter(pc.equal(changes.column("column").cast(pa.string()), name))
    present = name in cleaned.column_names
    after = render(cleaned.column(name).combine_chunks()) if present else pa.nulls(0, pa.string())
    before = entries.column("before").combine_chunks()
    source = np.full(rows, -1, dtype=np.int64)
    if present:
        source[kept] = np.arange(len(kept))
    # Of several changes of a cell the first one knows what the file said, so it is written last.
    latest_first = np.argsort(-entries.column("step").to_numpy(), kind="stable")
    source[entries.column("row").to_numpy()[latest_first]] = len(after) + latest_first
    return pa.concat_arrays([after, before]).take(pa.array(source, mask=source < 0))
