"""Sums and means of the rows between two totals, to check a row that claims to be one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_NOT_DIGITS = r"[\s\x{a0}\x{202f}'’%\p{Sc}]|^\s*[A-Z]{3}\s|\s[A-Z]{3}\s*$"
_NOTATIONS = (
    (r"^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)?(?:\.\d+)?$", ",", "."),
    (r"^[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)?(?:,\d+)?$", ".", ","),
)
"""For each notation the pattern of a number, the separator of thousands, and the decimal separator."""
_MIN_NUMERIC_SHARE = 0.6
_MAX_STARTS = 64
_RELATIVE_ERROR = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NumericColumns:
    """The columns that hold numbers, read in one notation."""

    values: Floats
    """Rows × columns; NaN where there is no number."""
    half_unit: Floats
    """Half of the last decimal place that a column is written with."""

    def reversed(self) -> "NumericColumns":
        """Return the same columns from the last row to the first."""
        return NumericColumns(self.values[::-1], self.half_unit)


def read_numbers(columns: list[pa.Array], is_data: npt.NDArray[np.bool_]) -> list[NumericColumns]:
    """Return the numeric columns, once for each notation in which the columns can be read differently.

    Args:
        columns: Text columns of equal length.
        is_data: The rows that say which columns are numeric.
    """
    readings: list[NumericColumns] = []
    for pattern, thousands, point in _NOTATIONS:
        parsed = [_parse(column, pattern, thousands, point) for column in columns]
        numeric = [
            (values, half_unit)
            for (values, half_unit), column in zip(parsed, columns, strict=True)
            if _is_numeric(values, column, is_data)
        ]
        if not numeric:
            continue
        reading = NumericColumns(np.column_stack([v for v, _ in numeric]), np.array([unit for _, unit in numeric]))
        if not any(np.array_equal(reading.values, other.values, equal_nan=True) for other in readings):
            readings.append(reading)
    return readings


def _parse(column: pa.Array, pattern: str, thousands: str, point: str) -> tuple[Floats, float]:
    """Return the numbers of a text column, and half of the last decimal place written."""
    text = pc.replace_substring_regex(column, r"^\s*\((.*)\)\s*$", r"-\1")
    text = pc.replace_substring_regex(text, _NOT_DIGITS, "")
    is_number = pc.and_(pc.match_substring_regex(text, pattern), pc.match_substring_regex(text, r"\d"))
    text = pc.if_else(is_number.fill_null(False), text, pa.scalar(None, text.type))
    text = pc.replace_substring(pc.replace_substring(text, thousands, ""), point, ".")
    values = text.cast(pa.float64()).to_numpy(zero_copy_only=False)
    length, dot = pc.utf8_length(text), pc.find_substring(text, ".")
    places = pc.max(pc.if_else(pc.equal(dot, -1), 0, pc.subtract(pc.subtract(length, dot), 1))).as_py() or 0
    return values, 0.5 * 10.0**-places


def _is_numeric(values: Floats, column: pa.Array, is_data: npt.NDArray[np.bool_]) -> bool:
    filled = column.is_valid().to_numpy(zero_copy_only=False) & is_data
    return bool(filled.any()) and np.isfinite(values[filled]).mean() >= _MIN_NUMERIC_SHARE


@dataclass(frozen=True)
class Match:
    """How the numbers of a row agree with the block of rows before it."""

    filled: int
    """Numeric cells that the row fills."""
    sums: int
    """Cells that are the sum of the block, neither zero nor the repetition of a single value."""
    means: int
    """Cells that are the mean of the block."""
    rows: int
    """Rows of the block; 0 if nothing agrees."""
    is_whole: bool
    """True if the block begins with the first row."""
    exceeds_data: bool
    """True if a sum is larger than twice any value of the block."""


class BlockSums:
    """Running sums over the rows, without those taken out as totals."""

    def __init__(self, columns: NumericColumns) -> None:
        self._columns = columns
        present = np.isfinite(columns.values)
        values = np.where(present, columns.values, 0.0)
        zero = np.zeros((1, values.shape[1]))
        self._sums = np.vstack([zero, np.cumsum(values, axis=0)])
        self._counts = np.vstack([zero, np.cumsum(present, axis=0)])
        self._non_zero = np.vstack([zero, np.cumsum(values != 0, axis=0)])
        self._removed = [np.zeros(values.shape[1]) for _ in range(3)]
        self._starts: list[tuple[int, Floats, Floats, Floats]] = [(0, zero[0], zero[0], zero[0])]

    def match(self, row: int) -> Match:
        """Return how a row agrees with the best of the blocks that end before it."""
        value = self._columns.values[row]
        filled = np.isfinite(value)
        if not filled.any() or row == 0:
            return Match(int(filled.sum()), 0, 0, 0, False, False)
        totals = [side[row] - gone for side, gone in zip(self._sides(), self._removed, strict=True)]
        sums, counts, non_zero = (
            totals[side] - np.array([start[side + 1] for start in self._starts]) for side in range(3)
        )
        # Each addend of a rounded sum may be off by half a unit; their errors add up like a random walk.
        tolerance = self._columns.half_unit * 1.01 * np.sqrt(np.maximum(counts, 1)) + _RELATIVE_ERROR * np.abs(sums)
        tolerance = np.where(self._columns.half_unit == 0.5, 0.01 + _RELATIVE_ERROR * np.abs(sums), tolerance)
        shown = np.where(filled, value, 0.0)
        is_sum = filled & (non_zero >= 2) & (shown != 0) & (np.abs(shown - sums) <= tolerance)
        means = sums / np.maximum(counts, 1)
        unit = np.maximum(self._columns.half_unit, 0.005)
        is_mean = filled & (non_zero >= 2) & (np.abs(shown - means) <= 1.01 * unit)
        agreeing = np.maximum(is_sum.sum(axis=1), is_mean.sum(axis=1))
        best = int(np.argmax(agreeing))
        if not agreeing[best]:
            return Match(int(filled.sum()), 0, 0, 0, False, False)
        start = self._starts[best][0]
        block = self._columns.values[start:row]
        largest = np.nanmax(np.where(np.isfinite(block), np.abs(block), 0.0), axis=0)
        return Match(
            filled=int(filled.sum()),
            sums=int(is_sum[best].sum()),
            means=int(is_mean[best].sum()),
            rows=int(counts[best].max()),
            is_whole=start == 0,
            exceeds_data=bool((is_sum[best] & (np.abs(shown) > 2 * largest)).any()),
        )

    def remove(self, row: int) -> None:
        """Take a row out of the sums that follow; a block may begin after it."""
        value = self._columns.values[row]
        present = np.isfinite(value)
        gone = (np.where(present, value, 0.0), present.astype(float), (present & (value != 0)).astype(float))
        self._removed = [total + part for total, part in zip(self._removed, gone, strict=True)]
        sides = [side[row + 1] - total for side, total in zip(self._sides(), self._removed, strict=True)]
        self._starts.append((row + 1, sides[0], sides[1], sides[2]))
        if len(self._starts) > _MAX_STARTS:
            del self._starts[1]

    def _sides(self) -> tuple[Floats, Floats, Floats]:
        return self._sums, self._counts, self._non_zero
