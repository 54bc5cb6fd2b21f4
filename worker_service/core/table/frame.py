"""The table the core works on: immutable, ordered, and able to remember what was computed from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

P = ParamSpec("P")
T = TypeVar("T")

Mask = npt.NDArray[np.bool_]
TIMESTAMP = pa.timestamp("us")


class Column:
    """Values of one type, a null where there is none, and a memo of what was derived from them.

    The values never change, so whatever is derived from them is computed once and kept as long as the column lives.
    A step that leaves a column alone hands on the same object, and everything known about it.
    """

    __slots__ = ("_memo", "array")

    def __init__(self, array: pa.Array) -> None:
        self.array = array
        self._memo: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.array)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the values."""
        return self.array.type

    @property
    def missing(self) -> int:
        """Cells without a value."""
        return int(self.array.null_count)

    @property
    def known(self) -> int:
        """Cells with a value."""
        return len(self.array) - self.missing

    @property
    def is_text(self) -> bool:
        """Whether the values are strings."""
        return bool(pa.types.is_string(self.type))

    @property
    def is_integer(self) -> bool:
        """Whether the values are whole numbers."""
        return bool(pa.types.is_integer(self.type))

    @property
    def is_number(self) -> bool:
        """Whether the values are whole or floating-point numbers."""
        return self.is_integer or bool(pa.types.is_floating(self.type))

    @property
    def is_boolean(self) -> bool:
        """Whether the values are true or false."""
        return bool(pa.types.is_boolean(self.type))

    @property
    def is_timestamp(self) -> bool:
        """Whether the values are moments in time."""
        return bool(pa.types.is_timestamp(self.type))

    def derive(self, function: Callable[Concatenate[Column, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(self, *args)`, computed at most once; the arguments must be hashable."""
        key = (function, args, tuple(kwargs.items()))
        if key not in self._memo:
            self._memo[key] = function(self, *args, **kwargs)
        value: T = self._memo[key]
        return value

    def present(self) -> Mask:
        """Which cells have a value."""
        if self.missing == 0:
            return np.ones(len(self), dtype=bool)
        return np.asarray(self.array.is_valid().to_numpy(zero_copy_only=False))

    def numbers(self) -> npt.NDArray[np.float64]:
        """The values as floating-point numbers (booleans as 0 and 1), NaN where there is none."""
        array = self.array.cast(pa.int8()) if self.is_boolean else self.array
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Frame:
    """Named columns of equal length; `row_numbers` are the places (from 0) the rows had in the decoded table."""

    columns: Mapping[str, Column]
    row_numbers: npt.NDArray[np.int64]
    filled: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    """The row numbers of the cells that were missing and got a value, by column."""

    @classmethod
    def from_table(cls, table: pa.Table) -> Frame:
        """Take over a decoded table without changing a value.

        Numbers become int64 or double, moments microseconds, NaN null. Raises TypeError for nested types.
        """
        columns = {name: Column(_settled(table.column(name))) for name in table.column_names}
        return cls(columns, np.arange(table.num_rows, dtype=np.int64))

    def to_table(self) -> pa.Table:
        """The columns as an Arrow table, in order."""
        return pa.table({name: column.array for name, column in self.columns.items()})

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self.columns)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.row_numbers)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, len(self.columns)

    def with_columns(self, columns: Mapping[str, Column]) -> Frame:
        """Replace columns in their place; new ones come last."""
        return replace(self, columns={**self.columns, **columns})

    def without_columns(self, names: Collection[str]) -> Frame:
        """Leave columns out."""
        kept = {name: column for name, column in self.columns.items() if name not in names}
        return replace(self, columns=kept)

    def with_filled(self, name: str, cells: Mask) -> Frame:
        """Remember that these cells were missing and got a value."""
        earlier = self.filled.get(name, np.zeros(0, np.int64))
        return replace(self, filled={**self.filled, name: np.union1d(earlier, self.row_numbers[cells])})

    def keep_rows(self, mask: Mask) -> Frame:
        """Keep the rows where the mask is true."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        columns = {name: Column(column.array.filter(chosen)) for name, column in self.columns.items()}
        return replace(self, columns=columns, row_numbers=self.row_numbers[mask])

    def equals(self, other: Frame) -> bool:
        """Same columns in the same order, same types, same values, same rows."""
        same_rows = np.array_equal(self.row_numbers, other.row_numbers)
        return same_rows and self.names == other.names and self.to_table().equals(other.to_table())


def _settled(chunks: pa.ChunkedArray) -> pa.Array:
    array = chunks.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    array = array.cast(_settled_type(array.type), safe=False)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _settled_type(found: pa.DataType) -> pa.DataType:
    if pa.types.is_nested(found):
        raise TypeError(f"a column of nested values ({found}) must be flattened or written as text first")
    if pa.types.is_boolean(found):
        return found
    if pa.types.is_timestamp(found) or pa.types.is_date(found):
        return pa.timestamp("us", tz=getattr(found, "tz", None))
    if pa.types.is_floating(found) or pa.types.is_null(found):
        return pa.float64() if pa.types.is_floating(found) else pa.string()
    if pa.types.is_integer(found) and not pa.types.is_uint64(found):
        return pa.int64()
    return pa.string()
