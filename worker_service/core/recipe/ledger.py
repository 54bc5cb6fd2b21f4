"""The ledger of changed cells, and undoing them."""

import json
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shared.contracts.artifacts import DECODED_METADATA
from shared.contracts.vocabulary import ChangeKind
from worker_service.core.recipe.steps import Effect
from worker_service.core.recipe.steps.base import Change
from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column, Frame

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("column", pa.dictionary(pa.int32(), pa.string())),
        pa.field("before", pa.string()),
        pa.field("after", pa.string()),
        pa.field("step", pa.int32()),
        pa.field("rule", pa.string()),
        pa.field("confidence", pa.float64()),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
    ]
)
"""`kind` is a `ChangeKind`.

`row` counts from 1 in the decoded table; `before` and `after` are canonical text, null if missing or removed. Of a
hidden cell `before` is null."""

_KINDS = get_args(ChangeKind)
_Kinds = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Origin:
    """The step that made a change; every entry repeats it."""

    step: int
    rule: str
    confidence: float
    is_hidden: bool


class Ledger:
    """Collects entries while a recipe is applied to a decoded frame."""

    def __init__(self, decoded: Frame) -> None:
        self._decoded = decoded
        self._names = pa.array(decoded.names, pa.string())
        self._codes = {name: code for code, name in enumerate(decoded.names)}
        self._entries: list[pa.Table] = []

    def record(self, frame: Frame, effect: Effect, *, step: int, rule: str, confidence: float) -> int:
        """Add the entries of an effect on a frame; returns the number of cells whose value it changes."""
        origin = _Origin(step, rule, confidence, effect.hidden)
        for name, change in effect.changed.items():
            cells = np.flatnonzero(change.cells)
            kinds = _all("hidden", len(cells)) if effect.hidden else _change_kinds(frame[name], change)[cells]
            self._append(frame, name, cells, change.column, origin, kinds)
        for name in effect.dropped:
            kinds = _all("hidden" if effect.hidden else "removed", frame.rows)
            self._append(frame, name, np.arange(frame.rows), None, origin, kinds)
        if effect.kept_rows is not None:
            removed = np.flatnonzero(~effect.kept_rows)
            for name in frame.names:
                self._append(frame, name, removed, None, origin, _all("removed", len(removed)))
        return sum(int(change.cells.sum()) for change in effect.changed.values())

    def close(self, cleaned: Frame) -> pa.Table:
        """Return all entries in the order of the changes, with what `undo` needs in the table's metadata."""
        removed = np.setdiff1d(self._decoded.row_numbers, cleaned.row_numbers, assume_unique=True)
        decoded = {"columns": self._decoded.names, "rows": self._decoded.rows, "removed": removed.tolist()}
        table = pa.concat_tables(self._entries) if self._entries else SCHEMA.empty_table()
        return table.replace_schema_metadata({DECODED_METADATA: json.dumps(decoded).encode()})

    def _append(
        self,
        frame: Frame,
        name: str,
        rows: npt.NDArray[np.intp],
        after: Column | None,
        origin: _Origin,
        kinds: _Kinds,
    ) -> None:
        size = len(rows)
        if not size or name not in self._decoded:
            return
        indices = pa.array(rows)
        columns = [
            pa.array(frame.row_numbers[rows] + 1),
            pa.DictionaryArray.from_arrays(pa.array(np.full(size, self._codes[name], dtype=np.int32)), self._names),
            pa.nulls(size, pa.string()) if origin.is_hidden else render(frame[name].array.take(indices)),
            pa.nulls(size, pa.string()) if after is None else render(after.array.take(indices)),
            pa.array(np.full(size, origin.step, dtype=np.int32)),
            pa.repeat(pa.scalar(origin.rule), size),
            pa.array(np.full(size, origin.confidence, dtype=np.float64)),
            pa.DictionaryArray.from_arrays(pa.array(kinds), pa.array(_KINDS)),
        ]
        self._entries.append(pa.Table.from_arrays(columns, schema=SCHEMA))


def count_differing(changes: pa.Table) -> int:
    """Return how many cells of the rows and columns that are left differ from the upload, by the complete ledger.

    A cell that was changed twice is one, and one that is as it was is none; a hidden one differs.
    """
    removed = np.asarray(json.loads(changes.schema.metadata[DECODED_METADATA])["removed"], dtype=np.int64) + 1
    by_column: dict[str, list[pa.RecordBatch]] = {}
    for batch in changes.to_batches():
        codes = batch.column("column")
        present = pc.unique(codes.indices).to_pylist()
        for code in present:
            part = batch if len(present) == 1 else batch.filter(pc.equal(codes.indices, code))
            by_column.setdefault(codes.dictionary[code].as_py(), []).append(part)
    return sum(_count_differing(pa.Table.from_batches(parts), removed) for parts in by_column.values())


def _count_differing(changes: pa.Table, removed: npt.NDArray[np.int64]) -> int:
    """Return how many cells of one column differ, by its part of the ledger."""
    rows = changes.column("row").to_numpy()
    steps, recorded = (pc.unique(changes.column(name)).to_pylist() for name in ("step", "kind"))
    if len(steps) == 1 and "removed" not in recorded:
        # One step changes a cell once, and to another text.
        return len(rows) - (int(np.isin(rows, removed).sum()) if len(removed) else 0)
    _, first = np.unique(rows, return_index=True)
    _, from_last = np.unique(rows[::-1], return_index=True)
    last = len(rows) - 1 - from_last
    before, after = (
        changes.column(name).take(pa.array(places)) for name, places in (("before", first), ("after", last))
    )
    kinds = changes.column("kind").cast(pa.string())
    is_gone = pc.equal(kinds.take(pa.array(last)), "removed")
    is_hidden = pc.equal(kinds.take(pa.array(first)), "hidden")
    is_same = pc.or_(pc.equal(before, after).fill_null(False), pc.and_(before.is_null(), after.is_null()))
    differs = pc.and_not(pc.or_(pc.invert(is_same), is_hidden), is_gone)
    return int((np.asarray(differs.to_numpy()) & ~np.isin(rows[first], removed)).sum())


def _change_kinds(before: Column, change: Change) -> _Kinds:
    """Return the kind of change of each cell, as an index into `_KINDS`."""
    was_known, is_known = before.present(), change.column.present()
    kinds = np.full(len(was_known), _KINDS.index("corrected"), dtype=np.int32)
    kinds[~was_known & is_known] = _KINDS.index("filled")
    kinds[was_known & ~is_known] = _KINDS.index("emptied")
    if change.restyled is not None:
        kinds[change.restyled] = _KINDS.index("restyled")
    return kinds


def _all(kind: ChangeKind, size: int) -> _Kinds:
    return np.full(size, _KINDS.index(kind), dtype=np.int32)


def undo(changes: pa.Table, cleaned: pa.Table) -> pa.Table:
    """Rebuild the decoded table as canonical text from the cleaned table and the ledger alone.

    What was hidden stays hidden.

    Args:
        changes: the complete ledger, in its order and with its metadata, as parquet and Arrow files keep it.
        cleaned: the cleaned table, with all its rows in order.
    """
    decoded = json.loads(changes.schema.metadata[DECODED_METADATA])
    kept = np.setdiff1d(np.arange(decoded["rows"]), np.asarray(decoded["removed"], dtype=np.int64), assume_unique=True)
    entries = _by_column(changes.filter(pc.not_equal(changes.column("kind").cast(pa.string()), "hidden")))
    return pa.table(
        {
            name: _undo_column(
                cleaned.column(name) if name in cleaned.column_names else None, kept, entries.get(name), decoded["rows"]
            )
            for name in decoded["columns"]
        }
    )


def _by_column(changes: pa.Table) -> dict[str, pa.Table]:
    """Return the entries of each column, the latest first."""
    names = changes.column("column").cast(pa.string()).combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    order = np.lexsort((-np.arange(len(codes)), codes))
    stops = np.cumsum(np.bincount(codes, minlength=len(names.dictionary)))
    entries = changes.select(["row", "before"]).take(pa.array(order))
    starts = np.concatenate(([0], stops[:-1])) if len(stops) else stops
    parts = zip(names.dictionary.to_pylist(), starts, stops, strict=True)
    return {name: entries.slice(int(start), int(stop - start)) for name, start, stop in parts}


def _undo_column(
    cleaned: pa.ChunkedArray | None, kept: npt.NDArray[np.int64], entries: pa.Table | None, rows: int
) -> pa.StringArray:
    source = np.full(rows, -1, dtype=np.int64)
    texts = pa.nulls(0, pa.string())
    if cleaned is not None:
        texts = render(cleaned.combine_chunks())
        source[kept] = np.arange(len(kept))
    if entries is not None:
        # Of several changes of a cell, the first holds the value of the file, so it is written last.
        source[entries.column("row").to_numpy() - 1] = len(texts) + np.arange(entries.num_rows)
        texts = pa.concat_arrays([texts, entries.column("before").combine_chunks()])
    return texts.take(pa.array(source, mask=source < 0))
