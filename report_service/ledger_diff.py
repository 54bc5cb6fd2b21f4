"""The cells in which two versions of a cleaned table differ, by their ledgers; runs in a child process."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("column", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("kind", pa.string()),
    ]
)
"""`kind` is `changed`, `removed` (the cell is no longer there) or `restored`."""
_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Ledger:
    """The cells that a ledger names, each once, in the order of their keys."""

    keys: _Indices
    original: pa.Array
    """The text of each cell in the decoded table."""
    value: pa.Array
    """Its text in the cleaned table."""
    is_removed: npt.NDArray[np.bool_]


def write_diff(before: Path, after: Path, target: Path) -> None:
    """Write the cells in which the cleaned tables of two ledgers differ, in the order of rows and columns.

    What neither ledger names is as the file has it in both tables.

    Args:
        before: the ledger of one version of a dataset, Parquet.
        after: that of another version of the same dataset.
        target: the Parquet file to write, with the columns of `SCHEMA`.
    """
    tables = [pq.read_table(path, columns=["row", "column", "before", "after", "kind"]) for path in (before, after)]
    names = sorted(set().union(*(table.column("column").cast(pa.string()).unique().to_pylist() for table in tables)))
    ledgers = [_last_values(table, names) for table in tables]
    keys = np.union1d(ledgers[0].keys, ledgers[1].keys)
    (text_before, gone_before), (text_after, gone_after) = (
        _values(keys, ledger, other) for ledger, other in zip(ledgers, reversed(ledgers), strict=True)
    )
    is_same = pc.equal(text_before, text_after).fill_null(False)
    both_null = pc.and_(text_before.is_null(), text_after.is_null())
    is_same = np.asarray(pc.or_(is_same, both_null).to_numpy(zero_copy_only=False)) & (gone_before == gone_after)
    kinds = np.where(gone_after & ~gone_before, "removed", np.where(gone_before & ~gone_after, "restored", "changed"))
    differs = pa.array(~is_same)
    columns = [
        pa.array(keys // max(len(names), 1)),
        pa.array(names, pa.string()).take(pa.array(keys % max(len(names), 1))),
        text_before,
        text_after,
        pa.array(kinds.tolist(), pa.string()),
    ]
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA).filter(differs), target)


def _last_values(table: pa.Table, names: list[str]) -> _Ledger:
    """Return each cell of a ledger once: its text before the first change, and after the last one."""
    codes = pc.index_in(table.column("column").cast(pa.string()), pa.array(names, pa.string()))
    all_keys = table.column("row").to_numpy() * max(len(names), 1) + codes.to_numpy()
    keys, first = np.unique(all_keys, return_index=True)
    last = len(all_keys) - 1 - np.unique(all_keys[::-1], return_index=True)[1]
    is_removed = pc.equal(table.column("kind").cast(pa.string()), "removed").to_numpy()
    return _Ledger(
        keys=keys,
        original=table.column("before").combine_chunks().take(pa.array(first)),
        value=table.column("after").combine_chunks().take(pa.array(last)),
        is_removed=np.asarray(is_removed[last], bool),
    )


def _values(keys: _Indices, ledger: _Ledger, other: _Ledger) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Return the text of each cell in the table of a ledger, and if it is gone.

    What the ledger does not name is the original.
    """
    texts = pa.concat_arrays([ledger.value, other.original])
    position, in_other = (np.searchsorted(each.keys, keys) for each in (ledger, other))
    is_named = np.isin(keys, ledger.keys)
    indices = np.where(is_named, position, len(ledger.keys) + in_other)
    gone = np.zeros(len(keys), dtype=bool)
    gone[is_named] = ledger.is_removed[position[is_named]]
    return texts.take(pa.array(indices)), gone
