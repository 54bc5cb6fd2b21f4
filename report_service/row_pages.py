"""A page of the rows of a stored table; runs in a child process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS = 8192
BUFFER_BYTES = 1024 * 1024
MOST_BYTES = 4 * 1024 * 1024
"""Of text on a page: a page of very long cells ends early, because it has to fit into a message."""

Places = npt.NDArray[np.int64]
Wanted = Mapping[str, str | int]
"""The values that columns must have."""


@dataclass(frozen=True)
class RowPage:
    """Some rows of a table."""

    rows: tuple[dict[str, Any], ...]
    total: int
    """Rows of the table that fit what is wanted, on whichever page."""
    next_row: int | None
    """Where in the table the next page begins; None on the last."""


def read_row_page(source: Path, *, wanted: Wanted, start: int, size: int) -> RowPage:
    """At most `size` rows of a Parquet file from row `start` on that have the wanted values.

    Only the row groups of the page are read, a batch of rows at a time. To find the rows that fit, the wanted columns
    are read of those row groups whose statistics leave it open, so memory does not grow with the table.
    """
    with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
        total, chosen = 0, list[tuple[int, Places]]()
        missing = size + 1
        first = 0
        for group in range(table.num_row_groups):
            places = _fitting(table, group, wanted)
            total += len(places)
            ahead = places[places >= start - first][:missing]
            missing -= len(ahead)
            chosen.append((first, ahead))
            first += table.metadata.row_group(group).num_rows
        return _page(table, chosen, total=total, size=size)


def _page(table: pq.ParquetFile, chosen: list[tuple[int, Places]], *, total: int, size: int) -> RowPage:
    """The page of the chosen rows, of which there is one more than fits where another page follows."""
    places = [first + place for first, ahead in chosen for place in ahead.tolist()]
    rows, weight = list[dict[str, Any]](), 0
    for row in _rows(table, chosen):
        weight += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(rows) == size or (rows and weight > MOST_BYTES):
            break
        rows.append(row)
    following = places[len(rows)] if len(rows) < len(places) else None
    return RowPage(rows=tuple(rows), total=total, next_row=following)


def _rows(table: pq.ParquetFile, chosen: list[tuple[int, Places]]) -> Iterator[dict[str, Any]]:
    for group, (_, places) in enumerate(chosen):
        begin = 0
        for batch in _batches(table, group) if len(places) else ():
            here = places[(places >= begin) & (places < begin + batch.num_rows)] - begin
            yield from batch.take(pa.array(here)).to_pylist() if len(here) else ()
            begin += batch.num_rows
            if begin > places[-1]:
                break


def _fitting(table: pq.ParquetFile, group: int, wanted: Wanted) -> Places:
    """The rows of a row group, counted from its first, that have the wanted values."""
    facts = table.metadata.row_group(group)
    everywhere: Places = np.arange(facts.num_rows, dtype=np.int64)
    known = {table.metadata.schema.column(place).name: facts.column(place) for place in range(facts.num_columns)}
    answers = {name: _answer(known[name], value) for name, value in wanted.items()}
    if any(answer is False for answer in answers.values()):
        return everywhere[:0]
    open_ones = {name: value for name, value in wanted.items() if answers[name] is None}
    if not open_ones:
        return everywhere
    found = [_mask(batch, open_ones) for batch in _batches(table, group, list(open_ones))]
    return np.flatnonzero(np.concatenate(found)) if found else everywhere[:0]


def _answer(chunk: pq.ColumnChunkMetaData, value: str | int) -> bool | None:
    """Whether all cells of a chunk have the value (True), or none (False), as far as its statistics tell."""
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    if not statistics.min <= value <= statistics.max:
        return False
    return True if statistics.min == statistics.max and statistics.null_count == 0 else None


def _mask(batch: pa.RecordBatch, wanted: Wanted) -> npt.NDArray[np.bool_]:
    """Which rows of a batch have the wanted values."""
    masks = [pc.equal(_plain(batch.column(name)), value).fill_null(False) for name, value in wanted.items()]
    mask: npt.NDArray[np.bool_] = reduce(pc.and_, masks).to_numpy(zero_copy_only=False)
    return mask


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _batches(table: pq.ParquetFile, group: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    batches: Iterator[pa.RecordBatch] = table.iter_batches(
        BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False
    )
    return batches
