"""Rows that are equal in every column: copies, where a key makes a second one impossible, or equal events."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from worker_service.core.columns.name_hints import is_code_name
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column, Mask
from worker_service.core.value import Value

CODE_SHARE = 0.9
"""Text is a code, and may be a key, if at least this share of its values hold a digit and no space."""
MOST_REPEATED = 0.1
"""Where a larger share of the rows repeats another, repeated rows are normal for the table,"""
FEWEST_ROWS = 20
"""unless at least so many distinct rows occur equally often, as in a file that was written more than once."""
FEWEST_COLUMNS = 3
"""Fewer columns that vary, the key included, are a list in which a line may stand twice."""
MOST_TRIED = 12
"""At most so many columns are left out in turn, those with the fewest values first."""
_Hashes = npt.NDArray[np.uint64]


class DuplicateRows(Value):
    """Rows equal to an earlier one."""

    count: int
    expected_share: float
    """The largest share of the pairs of equal rows that chance explains, estimated from single columns."""
    key: str | None
    """A column of identifiers or moments that is unique but for them, so that they must be copies; None without one."""

    @property
    def removable(self) -> bool:
        """True if they are copies."""
        return self.key is not None


def find_duplicate_rows(columns: Mapping[str, Column], distinct_values: Mapping[str, int], rows: int) -> DuplicateRows:
    """Count the rows equal to an earlier one, and look for a key that shows that they are copies.

    Two guests of one evening or two sales of one article make equal rows as well, so rows without a key may be true
    however many columns agree.

    Args:
        columns: columns of equal length, by name.
        distinct_values: the number of distinct values of each column.
        rows: the number of rows.

    Chance makes equal rows out of rows that agree in all columns but one: if p is the chance that two rows agree in
    that one, each pair that differs only there stands for p / (1 - p) equal ones. Where such pairs abound, as in a
    survey of few questions, equal rows are different people.
    """
    none = DuplicateRows(count=0, expected_share=0.0, key=None)
    if rows < 2 or not columns or any(size == rows for size in distinct_values.values()):
        return none
    hashes = {name: _mix(fingerprints(column), index) for index, (name, column) in enumerate(columns.items())}
    # Row hashes are sums, so that the hash without one column is a subtraction.
    row_hashes = _sum(list(hashes.values()))
    groups = _group_sizes(row_hashes)
    repeated = rows - len(groups)
    if not repeated:
        return none
    tried = sorted(columns, key=lambda name: distinct_values[name])[:MOST_TRIED]
    expected = max(_expected_share(row_hashes - hashes[name], hashes[name], groups) for name in tried)
    is_varied = sum(size > 1 for size in distinct_values.values()) >= FEWEST_COLUMNS
    is_rare = repeated <= MOST_REPEATED * rows or _is_written_repeatedly(groups)
    keys = (
        name
        for name, column in columns.items()
        if distinct_values[name] == len(groups) and not column.missing and _can_be_key(name, column)
    )
    key = next(keys, None) if is_varied and is_rare and len(groups) >= FEWEST_ROWS else None
    return DuplicateRows(count=repeated, expected_share=round(min(1.0, expected), 6), key=key)


def _can_be_key(name: str, column: Column) -> bool:
    """Return True if a column holds moments, codes, or numbers whose name says that they identify something."""
    if column.is_timestamp:
        return True
    if column.is_integer:
        return is_code_name(name)
    if not column.is_text:
        return False
    is_code = pc.match_substring_regex(column.derive(distinct).values, r"^\S*\d\S*$")
    return is_code_name(name) or (pc.mean(is_code).as_py() or 0.0) >= CODE_SHARE


def first_of_equal_rows(columns: Sequence[Column]) -> Mask:
    """Return the mask of the rows that are not equal to an earlier row, compared cell by cell."""
    hashes = _sum([_mix(fingerprints(column), index) for index, column in enumerate(columns)])
    _, firsts, groups = np.unique(hashes, return_index=True, return_inverse=True)
    earlier = firsts[groups]
    later = np.flatnonzero(earlier != np.arange(len(earlier)))
    pairs = np.stack([earlier[later], later], axis=1)
    first = np.ones(len(earlier), dtype=bool)
    # Different rows may have equal hashes, so the cells are compared as well.
    first[later] = np.any([differs(column, pairs) for column in columns], axis=0)
    return first


def differs(column: Column, pairs: npt.NDArray[np.intp]) -> Mask:
    """Return the mask of the row pairs, of shape (pairs, 2), in which the cells of a column differ."""
    cells, present = fingerprints(column), column.present()
    left, right = pairs[:, 0], pairs[:, 1]
    different: Mask = (cells[left] != cells[right]) | (present[left] != present[right])
    return different


def fingerprints(column: Column) -> _Hashes:
    """Return a number for each cell, equal for equal cells of the column."""
    if column.is_text or column.is_boolean:
        return column.derive(distinct).codes.astype(np.int64).view(np.uint64)
    array = column.array.cast(TIMESTAMP).view("int64") if column.is_timestamp else column.array
    bits = array.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)
    return bits if not column.missing else np.where(column.present(), bits, np.uint64(0x5EED5EED5EED5EED))


def _mix(values: _Hashes, index: int) -> _Hashes:
    """Hash fingerprints so that close numbers and different columns get unrelated hashes."""
    mixed = (values ^ np.uint64(index + 1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(index)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    result: _Hashes = mixed * np.uint64(0x94D049BB133111EB)
    return result


def _sum(hashes: Sequence[_Hashes]) -> _Hashes:
    total = hashes[0].copy()
    for column_hashes in hashes[1:]:
        total += column_hashes
    return total


def _group_sizes(hashes: _Hashes) -> npt.NDArray[np.int64]:
    return np.unique(hashes, return_counts=True)[1]


def _is_written_repeatedly(groups: npt.NDArray[np.int64]) -> bool:
    """Return True if every row occurs equally often, as in a file that was written twice."""
    return int(groups.min()) == int(groups.max())


def _pairs(groups: npt.NDArray[np.int64]) -> float:
    sizes = groups.astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)


def _expected_share(others: _Hashes, left_out: _Hashes, groups: npt.NDArray[np.int64]) -> float:
    """Return the share of the pairs of equal rows that chance explains by the column left out."""
    equal = _pairs(groups)
    differing = _pairs(_group_sizes(others)) - equal
    shares = _group_sizes(left_out) / len(left_out)
    agree = min(float((shares**2).sum()), 1 - 1e-9)
    return differing * agree / (1 - agree) / equal
