"""The cells that were changed, and the text of those that the cleaned table only writes differently."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.kept_rows import read_decoded, rows_of
from shared.contracts.vocabulary import ChangeKind

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


@dataclass(frozen=True, eq=False)
class ChangedCells:
    """Cells of one column with another value than the uploaded file, in the order of the rows."""

    positions: npt.NDArray[np.int64]
    """Their rows in the cleaned table, from 0."""
    kinds: tuple[ChangeKind, ...]

    def by_position(self) -> dict[int, ChangeKind]:
        """Return the kind of change of each cell."""
        return dict(zip(self.positions.tolist(), self.kinds, strict=True))


def read_changed_cells(changes: Path) -> Mapping[str, ChangedCells]:
    """Return the cells with another value than the uploaded file, by column; of one changed twice the last kind.

    Args:
        changes: the list of changes as a Parquet file; none is returned of one of an earlier version.
    """
    decoded = read_decoded(changes)
    if decoded is None:
        return {}
    table = pq.read_table(changes, columns=["row", "column", "kind"], read_dictionary=["kind"]).combine_chunks()
    kept = rows_of(decoded)
    columns = _dictionary(table["column"])
    codes, rows = columns.indices.to_numpy(), table["row"].to_numpy() - 1
    is_changed = ~_equals(table["kind"], "restyled") & ~_equals(table["kind"], "removed") & np.isin(rows, kept)
    positions, kinds = np.searchsorted(kept, rows), table["kind"].to_pylist()
    marked: dict[str, dict[int, ChangeKind]] = {}
    for entry in np.flatnonzero(is_changed & columns.indices.is_valid().to_numpy(zero_copy_only=False)).tolist():
        marked.setdefault(columns.dictionary[codes[entry]].as_py(), {})[int(positions[entry])] = kinds[entry]
    return {
        name: ChangedCells(np.array(list(cells), np.int64), tuple(cells.values())) for name, cells in marked.items()
    }


def read_written_cells(changes: Path, cleaned: pq.ParquetFile) -> Mapping[str, WrittenCells]:
    """Return the cells that are written as the uploaded file has them, by column.

    These are the cells whose value was not changed but only written differently. A column of true and false has one
    word for each, the most frequent, and a column with dates in several formats is left out: equal values are written
    equally.

    Args:
        changes: the list of changes as a Parquet file. Words for a missing value and cells that were changed as well
            are left out. Lists of earlier versions do not say what kind a change is of; of them, none is returned.
        cleaned: the cleaned table.
    """
    decoded = read_decoded(changes)
    if decoded is None:
        return {}
    table = pq.read_table(changes, columns=_COLUMNS, read_dictionary=["rule"]).combine_chunks()
    kept = rows_of(decoded)
    columns = _dictionary(table["column"])
    codes, rows = columns.indices.to_numpy(), table["row"].to_numpy() - 1
    is_restyled = _equals(table["kind"], "restyled")
    is_written = is_restyled & ~_equals(table["rule"], _TRIMMED) & ~_is_null(table["after"]) & np.isin(rows, kept)
    cells = codes.astype(np.int64) * decoded["rows"] + rows
    is_written &= ~np.isin(cells, cells[~is_restyled])
    entries = np.flatnonzero(is_written)
    entries = entries[np.argsort(cells[entries], kind="stable")]
    texts = table["before"].combine_chunks().take(pa.array(entries))
    positions = np.searchsorted(kept, rows[entries]).astype(np.int64)
    ends = np.searchsorted(codes[entries], np.arange(len(columns.dictionary) + 1))
    written = dict[str, WrittenCells]()
    for code, name in enumerate(columns.dictionary.to_pylist()):
        start, end = int(ends[code]), int(ends[code + 1])
        if end > start:
            changed = np.searchsorted(kept, rows[(codes == code) & np.isin(rows, kept)])
            column = WrittenCells(positions[start:end], texts.slice(start, end - start))
            uniform = _write_uniformly(name, column, changed, cleaned)
            written |= {} if uniform is None else {name: uniform}
    return written


def _write_uniformly(
    name: str, column: WrittenCells, changed: npt.NDArray[np.int64], cleaned: pq.ParquetFile
) -> WrittenCells | None:
    """Return the cells of a column with equal values written equally, None if that takes another form.

    Args:
        name: the column.
        column: its cells that are only written differently.
        changed: the rows of the cleaned table in which the column was changed in any way.
        cleaned: the cleaned table.
    """
    dtype = cleaned.schema_arrow.field(name).type
    if not (pa.types.is_boolean(dtype) or pa.types.is_timestamp(dtype)):
        return column
    values = cleaned.read([name], use_threads=False)[name].combine_chunks()
    is_unchanged = values.is_valid().to_numpy(zero_copy_only=False)
    is_unchanged[changed] = False
    if pa.types.is_timestamp(dtype):
        moments = values.take(pa.array(column.positions))
        return None if is_unchanged.any() or _has_several_formats(column.texts, moments) else column
    words = {}
    for word in (True, False):
        holds = pc.equal(values, word).fill_null(False).to_numpy(zero_copy_only=False)
        spellings = Counter(column.texts.filter(pa.array(holds[column.positions])).to_pylist())
        spellings[str(word).lower()] += int((is_unchanged & holds).sum())
        words[word] = spellings.most_common(1)[0][0]
    known = values.is_valid()
    texts = pc.if_else(values.filter(known), pa.scalar(words[True]), pa.scalar(words[False]))
    return WrittenCells(np.flatnonzero(known.to_numpy(zero_copy_only=False)), texts)


def _has_several_formats(texts: pa.Array, moments: pa.Array) -> bool:
    """Return True if texts write their moments in more than one format, or one moment in more than one way."""
    pairs = pa.table({"text": texts, "moment": moments}).group_by(["text", "moment"]).aggregate([])
    if len(pairs) > pc.count_distinct(pairs["moment"]).as_py():
        return True
    different = pairs["text"].combine_chunks()
    days = pc.replace_substring_regex(different, r"[ T]\d{1,2}:.*$", "")
    is_padded, is_bare = (pc.match_substring_regex(days, pattern) for pattern in (r"\b0\d\b", r"\b\d\b"))
    if pc.any(is_padded).as_py() and pc.any(is_bare).as_py():
        return True
    formats = pc.replace_substring_regex(pc.replace_substring_regex(different, r"\d{4}", "Y"), r"\d+", "9")
    # May is short and long.
    formats = formats.filter(pc.invert(pc.match_substring_regex(formats, r"(?i)\bmay\b")))
    formats = pc.replace_substring_regex(formats, r"[[:alpha:]]{4,}", "month")
    return bool(pc.count_distinct(pc.replace_substring_regex(formats, r"\b[[:alpha:]]{2,3}\b", "mon")).as_py() > 1)


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    array = column.combine_chunks()
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _equals(column: pa.ChunkedArray, word: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the cells of a dictionary column that hold a word."""
    words = _dictionary(column)
    mask: npt.NDArray[np.bool_] = np.array([other == word for other in words.dictionary.to_pylist()], np.bool_)
    return mask[words.indices.to_numpy()] if len(words) else np.zeros(0, np.bool_)


def _is_null(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = column.combine_chunks().is_null().to_numpy(zero_copy_only=False)
    return mask
