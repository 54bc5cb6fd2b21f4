"""Pages of the rows of a stored table; runs in a child process."""

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
from shared.contracts.row_values import MAX_PAGE_CHARACTERS, cut_text

BATCH_ROWS = 8192
BUFFER_BYTES = 1024 * 1024
RowIndices = npt.NDArray[np.int64]
RowFilter = Mapping[str, str | int]
"""The value that each of some columns has to have."""


@dataclass(frozen=True)
class RowPage:
    """A page of the rows of a table that match a filter."""

    rows: tuple[dict[str, Any], ...]
    total: int
    """Number of matching rows on all pages."""
    next_row: int | None
    """The row of the table at which the next page begins; None on the last page."""


def read_row_page(source: Path, *, row_filter: RowFilter, start: int, size: int) -> RowPage:
    """Return a page of the rows of a Parquet file that match a filter.

    The page begins at row `start` of the file, counted from 0, and has at most `size` rows.

    Only the row groups of the page are read, a batch of rows at a time. To find the matching rows, the columns of the
    filter are read only in row groups whose statistics do not decide it, so memory does not grow with the table.
    """
    with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
        total, selected = 0, list[tuple[int, RowIndices]]()
        rows_needed = size + 1
        group_start = 0
        for group in range(table.num_row_groups):
            indices = _matching_rows(table, group, row_filter)
            total += len(indices)
            on_page = indices[indices >= start - group_start][:rows_needed]
            rows_needed -= len(on_page)
            selected.append((group_start, on_page))
            group_start += table.metadata.row_group(group).num_rows
        return _build_page(table, selected, total=total, size=size)


def plan_row_page(source: Path, *, row_filter: RowFilter, start: int, size: int) -> tuple[ByteRange, ...]:
    """Return byte ranges that contain everything `read_row_page` will read.

    Only the footer of the file is read for this.
    """
    metadata = pq.read_metadata(source)
    ranges, rows_needed, group_start = list[ByteRange](), size + 1, 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        names = _undecided_columns(metadata, group, row_filter)
        chunks = _chunks(metadata, group)
        if names is not None:
            is_on_page = rows_needed > 0 and group_start + rows > start
            ranges += [_byte_range(chunks[name]) for name in (chunks if is_on_page else names)]
            # The number of matching rows of a group is known here only if all of them match.
            rows_needed -= 0 if names or not is_on_page else group_start + rows - max(group_start, start)
        group_start += rows
    return tuple(_merge_adjacent(ranges))


def _byte_range(chunk: pq.ColumnChunkMetaData) -> ByteRange:
    offset = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return ByteRange(min(offset, chunk.data_page_offset), chunk.total_compressed_size)


def _merge_adjacent(ranges: list[ByteRange]) -> list[ByteRange]:
    """Return the ranges, with adjacent ranges merged."""
    merged = list[ByteRange]()
    for byte_range in ranges:
        if merged and sum(merged[-1]) == byte_range.offset:
            merged[-1] = ByteRange(merged[-1].offset, merged[-1].length + byte_range.length)
        else:
            merged.append(byte_range)
    return merged


def _build_page(table: pq.ParquetFile, selected: list[tuple[int, RowIndices]], *, total: int, size: int) -> RowPage:
    """Return the page of the selected rows.

    If another page follows, one row more than the page holds is selected.
    """
    indices = [group_start + index for group_start, on_page in selected for index in on_page.tolist()]
    rows, text_size = list[dict[str, Any]](), 0
    for row in map(_cut_cells, _read_rows(table, selected)):
        text_size += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(rows) == size or (rows and text_size > MAX_PAGE_CHARACTERS):
            break
        rows.append(row)
    following = indices[len(rows)] if len(rows) < len(indices) else None
    return RowPage(rows=tuple(rows), total=total, next_row=following)


def _cut_cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row whose very long texts are cut, and say how long they are."""
    return {name: cut_text(value) if isinstance(value, str) else value for name, value in row.items()}


def _read_rows(table: pq.ParquetFile, selected: list[tuple[int, RowIndices]]) -> Iterator[dict[str, Any]]:
    for group, (_, indices) in enumerate(selected):
        batch_start = 0
        for batch in _batches(table, group) if len(indices) else ():
            in_batch = indices[(indices >= batch_start) & (indices < batch_start + batch.num_rows)] - batch_start
            yield from batch.take(pa.array(in_batch)).to_pylist() if len(in_batch) else ()
            batch_start += batch.num_rows
            if batch_start > indices[-1]:
                break


def _matching_rows(table: pq.ParquetFile, group: int, row_filter: RowFilter) -> RowIndices:
    """Return the indices of the matching rows of a row group, from the start of the group."""
    all_rows: RowIndices = np.arange(table.metadata.row_group(group).num_rows, dtype=np.int64)
    undecided_columns = _undecided_columns(table.metadata, group, row_filter)
    if undecided_columns is None:
        return all_rows[:0]
    if not undecided_columns:
        return all_rows
    undecided_filter = {name: row_filter[name] for name in undecided_columns}
    masks = [_mask(batch, undecided_filter) for batch in _batches(table, group, undecided_columns)]
    return np.flatnonzero(np.concatenate(masks)) if masks else all_rows[:0]


def _undecided_columns(metadata: pq.FileMetaData, group: int, row_filter: RowFilter) -> list[str] | None:
    """Return the columns that have to be read to find the matching rows of a group.

    The statistics of the group decide the other columns. None means that no row matches.
    """
    chunks = _chunks(metadata, group)
    if any(name not in chunks for name in row_filter):  # written by an earlier version
        return None
    decisions = {name: _decide_by_statistics(chunks[name], value) for name, value in row_filter.items()}
    if any(decision is False for decision in decisions.values()):
        return None
    return [name for name, decision in decisions.items() if decision is None]


def _chunks(metadata: pq.FileMetaData, group: int) -> dict[str, pq.ColumnChunkMetaData]:
    row_group = metadata.row_group(group)
    return {metadata.schema.column(index).name: row_group.column(index) for index in range(row_group.num_columns)}


def _decide_by_statistics(chunk: pq.ColumnChunkMetaData, value: str | int) -> bool | None:
    """Return True if all cells of a chunk have the value, False if none has it.

    None means that the statistics don't decide it.
    """
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    if not statistics.min <= value <= statistics.max:
        return False
    return True if statistics.min == statistics.max and statistics.null_count == 0 else None


def _mask(batch: pa.RecordBatch, row_filter: RowFilter) -> npt.NDArray[np.bool_]:
    """Return a mask of the rows of a batch that match the filter."""
    columns = {name: _decode_dictionary(batch.column(name)) for name in row_filter}
    masks = [pc.equal(columns[name], value).fill_null(False) for name, value in row_filter.items()]
    mask: npt.NDArray[np.bool_] = reduce(pc.and_, masks).to_numpy(zero_copy_only=False)
    return mask


def _decode_dictionary(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _batches(table: pq.ParquetFile, group: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    batches: Iterator[pa.RecordBatch] = table.iter_batches(
        BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False
    )
    return batches
