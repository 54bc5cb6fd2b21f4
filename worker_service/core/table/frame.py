"""The immutable table the core works on, whose columns cache what was computed from them."""

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
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999, in seconds from 1970 on."""


class Column:
    """Values of one type, null where missing, and a cache of what was derived from them.

    The values never change, so every result is computed once and kept as long as the column lives. A step that leaves
    a column unchanged passes on the same object, and with it the cached results.
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
        """The number of cells without a value."""
        return int(self.array.null_count)

    @property
    def known(self) -> int:
        """The number of cells with a value."""
        return len(self.array) - self.missing

    @property
    def is_text(self) -> bool:
        """True if the values are strings."""
        return bool(pa.types.is_string(self.type))

    @property
    def is_integer(self) -> bool:
        """True if the values are whole numbers."""
        return bool(pa.types.is_integer(self.type))

    @property
    def is_number(self) -> bool:
        """True if the values are whole or floating-point numbers."""
        return self.is_integer or bool(pa.types.is_floating(self.type))

    @property
    def is_boolean(self) -> bool:
        """True if the values are booleans."""
        return bool(pa.types.is_boolean(self.type))

    @property
    def is_timestamp(self) -> bool:
        """True if the values are timestamps."""
        return bool(pa.types.is_timestamp(self.type))

    def derive(self, function: Callable[Concatenate[Column, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `function(self, *args, **kwargs)`, computed at most once.

        Args:
            function: a pure function of the column, the same object in every call, as it is part of the cache key.
            *args: further hashable arguments.
            **kwargs: further hashable arguments.
        """
        key = (function, args, tuple(kwargs.items()))
        if key not in self._memo:
            self._memo[key] = function(self, *args, **kwargs)
        value: T = self._memo[key]
        return value

    def present(self) -> Mask:
        """Return a mask of the cells that have a value."""
        if self.missing == 0:
            return np.ones(len(self), dtype=bool)
        return np.asarray(self.array.is_valid().to_numpy(zero_copy_only=False))

    def numbers(self) -> npt.NDArray[np.float64]:
        """Return the values as floating-point numbers, booleans as 0 and 1, NaN where missing."""
        array = self.array.cast(pa.int8()) if self.is_boolean else self.array
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class UnfitCells:
    """The cells of a column that held something that does not fit its type."""

    rows: npt.NDArray[np.int64]
    """Their row numbers, ascending."""
    texts: pa.StringArray
    """What each of them held."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Named columns of equal length."""

    columns: Mapping[str, Column]
    row_numbers: npt.NDArray[np.int64]
    """The index of each row in the decoded table, from 0."""
    filled: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    """The row numbers of the cells that were missing and have been imputed, by column."""
    unfit: Mapping[str, UnfitCells] = field(default_factory=dict)
    """The cells that held something that does not fit the type of the column, by column."""

    @classmethod
    def from_table(cls, table: pa.Table) -> Frame:
        """Return the frame of a decoded table.

        Whole numbers become int64, floating-point numbers double, timestamps and dates microseconds, and NaN null.
        Booleans stay booleans; every other type becomes text, also unsigned 64-bit numbers, and moments of which one
        lies outside of the years 1 to 9999.

        Raises:
            TypeError: a column has a nested type.
            ValueError: the bytes of a column are no UTF-8.
        """
        columns = {name: Column(_normalise(table.column(name))) for name in table.column_names}
        return cls(columns, np.arange(table.num_rows, dtype=np.int64))

    def to_table(self) -> pa.Table:
        """Return the columns as an Arrow table, in order."""
        return pa.table({name: column.array for name, column in self.columns.items()})

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.row_numbers)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and the number of columns."""
        return self.rows, len(self.columns)

    def with_columns(self, columns: Mapping[str, Column]) -> Frame:
        """Return the frame with columns replaced where they are; new columns come last."""
        return replace(self, columns={**self.columns, **columns})

    def without_columns(self, names: Collection[str]) -> Frame:
        """Return the frame without these columns."""
        kept = {name: column for name, column in self.columns.items() if name not in names}
        return replace(self, columns=kept)

    def with_filled(self, name: str, cells: Mask) -> Frame:
        """Return the frame with a note that these cells of a column were missing and have been imputed."""
        earlier = self.filled.get(name, np.zeros(0, np.int64))
        return replace(self, filled={**self.filled, name: np.union1d(earlier, self.row_numbers[cells])})

    def with_unfit(self, name: str, cells: Mask) -> Frame:
        """Return the frame with a note that these cells of a column of text do not fit the type it is read as."""
        texts = self[name].array.filter(pa.array(cells)).cast(pa.string())
        return replace(self, unfit={**self.unfit, name: UnfitCells(self.row_numbers[cells], texts)})

    def unfit_texts(self, name: str) -> pa.StringArray:
        """Return what the unfit cells of a column held, null in all other rows."""
        unfit = self.unfit.get(name)
        if unfit is None:
            return pa.nulls(self.rows, pa.string())
        positions = np.searchsorted(unfit.rows, self.row_numbers)
        nearest = np.minimum(positions, len(unfit.rows) - 1)
        return unfit.texts.take(pa.array(nearest, mask=unfit.rows[nearest] != self.row_numbers))

    def keep_rows(self, mask: Mask) -> Frame:
        """Return the frame of the rows where the mask is true."""
        if mask.all():
            return self
        arrow_mask = pa.array(mask)
        columns = {name: Column(column.array.filter(arrow_mask)) for name, column in self.columns.items()}
        return replace(self, columns=columns, row_numbers=self.row_numbers[mask])

    def equals(self, other: Frame) -> bool:
        """Return True if columns, their order, types and values, and the row numbers are the same."""
        same_rows = np.array_equal(self.row_numbers, other.row_numbers)
        return same_rows and self.names == other.names and self.to_table().equals(other.to_table())


def _normalise(chunks: pa.ChunkedArray) -> pa.Array:
    array = chunks.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if _has_far_moments(array):
        return array.cast(pa.string())
    holds_bytes = pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)
    array = array.cast(_normalised_type(array.type), safe=holds_bytes)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _has_far_moments(array: pa.Array) -> bool:
    """Return True if a moment lies outside of the years 1 to 9999, which a calendar knows; such a column is text."""
    if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)) or not array.null_count < len(array):
        return False
    seconds = array.cast(pa.timestamp("s", tz=getattr(array.type, "tz", None)), safe=False).cast(pa.int64())
    bounds = pc.min_max(seconds)
    return bool(bounds["min"].as_py() < FIRST_SECOND or bounds["max"].as_py() > LAST_SECOND)


def _normalised_type(decoded_type: pa.DataType) -> pa.DataType:
    if pa.types.is_nested(decoded_type):
        raise TypeError(f"a column of nested values ({decoded_type}) must be flattened or written as text first")
    if pa.types.is_boolean(decoded_type):
        return decoded_type
    if pa.types.is_timestamp(decoded_type) or pa.types.is_date(decoded_type):
        return pa.timestamp("us", tz=getattr(decoded_type, "tz", None))
    if pa.types.is_floating(decoded_type) or pa.types.is_null(decoded_type):
        return pa.float64() if pa.types.is_floating(decoded_type) else pa.string()
    if pa.types.is_integer(decoded_type) and not pa.types.is_uint64(decoded_type):
        return pa.int64()
    return pa.string()
