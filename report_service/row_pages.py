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

from report_service.byte_ranges import ByteRange

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


def plan_row_page(source: Path, *, wanted: Wanted, start: int, size: int) -> tuple[ByteRange, ...]:
    """The bytes that `read_row_page` will read, or some more; of the file itself only the footer is read."""
    metadata = pq.read_metadata(source)
    stretches, missing, first = list[ByteRange](), size + 1, 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        names = _open_names(metadata, group, wanted)
        chunks = _chunks(metadata, group)
        if names is not None:
            on_page = missing > 0 and first + rows > start
            stretches += [_stretch(chunks[name]) for name in (chunks if on_page else names)]
            # How many rows of a group fit is known beforehand only where all of them do.
            missing -= 0 if names or not on_page else first + rows - max(first, start)
        first += rows
    return tuple(_joined(stretches))


def _stretch(chunk: pq.ColumnChunkMetaData) -> ByteRange:
    begin = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return ByteRange(min(begin, chunk.data_page_offset), chunk.total_compressed_size)


def _joined(stretches: list[ByteRange]) -> list[ByteRange]:
    """The stretches, those that follow one another made one."""
    joined = list[ByteRange]()
    for stretch in stretches:
        if joined and sum(joined[-1]) == stretch.offset:
            joined[-1] = ByteRange(joined[-1].offset, joined[-1].length + stretch.length)
        else:
            joined.append(stretch)
    return joined


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
    everywhere: Places = np.arange(table.metadata.row_group(group).num_rows, dtype=np.int64)
    open_names = _open_names(table.metadata, group, wanted)
    if open_names is None:
        return everywhere[:0]
    if not open_names:
        return everywhere
    open_ones = {name: wanted[name] for name in open_names}
    found = [_mask(batch, open_ones) for batch in _batches(table, group, open_names)]
    return np.flatnonzero(np.concatenate(found)) if found else everywhere[:0]


def _open_names(metadata: pq.FileMetaData, group: int, wanted: Wanted) -> list[str] | None:
    """The columns that have to be read to know which rows of a group fit; None where no row can."""
    chunks = _chunks(metadata, group)
    answers = {name: _answer(chunks[name], value) for name, value in wanted.items()}
    if any(answer is False for answer in answers.values()):
        return None
    return [name for name, answer in answers.items() if answer is None]


def _chunks(metadata: pq.FileMetaData, group: int) -> dict[str, pq.ColumnChunkMetaData]:
    facts = metadata.row_group(group)
    return {metadata.schema.column(place).name: facts.column(place) for place in range(facts.num_columns)}


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
