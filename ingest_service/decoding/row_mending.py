"""Mending of rows that have another number of cells than the table, where one way alone to read them fits."""

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from ingest_service.decoding.cell_kinds import ColumnKinds, kind_of
from ingest_service.decoding.csv_rows import csv_reader

_MIN_ROWS = 5
_MARGIN = math.log(20)
"""How much more plausible a reading has to be than every other: twenty times."""
_STRONG = 2 * _MARGIN
"""What is added for a fault that is frequent: cells lost or added at the end of a row, or a row of another dialect."""
_SEPARATORS = (",", ";", "\t", "|")
_MAX_SURPLUS = 4
_MOST_ATTEMPTS = 5_000
"""Of so many rows more than one reading is weighed; a file with more odd rows is of another form."""
_MOST_PARTED, _LONGEST_PARTED = 30, 24
"""Of a row that lacks a cell, so many cells are looked at, and of so many characters, for two that ran together."""


class Mended(NamedTuple):
    """A row as it is read, and what was mended."""

    cells: list[str]
    why: str


class _Reading(NamedTuple):
    mended: Mended
    plausibility: float


class RowMender:
    """Fits odd rows into the columns of a table."""

    def __init__(self, width: int, delimiter: str, rows: Sequence[Sequence[str]]) -> None:
        """Learn what the columns hold from rows of the right width."""
        self._width = width
        self._delimiter = delimiter
        columns = zip(*rows, strict=True) if len(rows) >= _MIN_ROWS else ()
        self._columns = [ColumnKinds(column) for column in columns]
        self._attempts = 0

    def mend(self, cells: Sequence[str], line: str) -> Mended | None:
        """Return a row in the width of the table; None if no reading is plausible, or more than one is.

        Args:
            cells: the row as it was read.
            line: its text.
        """
        surplus = len(cells) - self._width
        self._attempts += 1
        if not self._columns or self._attempts > _MOST_ATTEMPTS:
            return self._cut(cells)
        readings = [*self._separated(line), *(self._widened(cells) if surplus < 0 else self._narrowed(cells))]
        readings = [reading for reading in readings if reading.plausibility > -math.inf]
        best = max(readings, key=lambda reading: reading.plausibility, default=None)
        if best is None:
            return self._cut(cells)
        is_doubtful = any(
            other.mended.cells != best.mended.cells and other.plausibility > best.plausibility - _MARGIN
            for other in readings
        )
        if is_doubtful or not best.mended.why or (surplus == -1 and self._may_have_run_together(cells)):
            return None
        return best.mended

    def unquote(self, line: str) -> Mended | None:
        """Return a row whose quotes are not paired, with its quotes taken for text; None if it does not fit then."""
        cells = line.rstrip("\r\n").split(self._delimiter)
        stripped = [cell.strip().removeprefix('"') if cell.count('"') == 1 else cell for cell in cells]
        if len(cells) != self._width or not self._columns:
            return None
        fits = self._plausibility(stripped, are_new=True) > -math.inf
        return Mended(stripped, "a quote that is never closed was dropped") if fits else None

    def _may_have_run_together(self, cells: Sequence[str]) -> bool:
        """Return True if a row that lacks one cell also fits with one of its cells parted into two."""
        after = self._sums_after(cells)
        for position, cell in enumerate(cells[:_MOST_PARTED]):
            if len(cell) > _LONGEST_PARTED or after[position + 1] == -math.inf:
                continue
            left, right = self._columns[position : position + 2]
            for split in range(1, len(cell)):
                parts = (left.plausibility(cell[:split]), right.plausibility(cell[split:]))
                if min(parts) > -math.inf:
                    return True
        return False

    def _cut(self, cells: Sequence[str]) -> Mended | None:
        """Return a row without its surplus cells, if those are empty."""
        surplus = len(cells) - self._width
        if surplus <= 0 or any(cell.strip() for cell in cells[self._width :]):
            return None
        return Mended(list(cells[: self._width]), _count(surplus, "empty cell at its end was", "dropped"))

    def _plausibility(self, cells: Sequence[str], *, are_new: bool = False) -> float:
        """Return how plausible a row in the width of the table is."""
        return sum(column.plausibility(cell, is_new=are_new) for column, cell in zip(self._columns, cells, strict=True))

    def _sums_before(self, cells: Sequence[str]) -> list[float]:
        """Return for each position how plausible the cells before it are, each in the column of its position."""
        pairs = zip(self._columns, cells, strict=False)
        return [0.0, *accumulate(column.plausibility(cell) for column, cell in pairs)]

    def _sums_after(self, cells: Sequence[str]) -> list[float]:
        """Return for each position how plausible the cells from it on are, the last of them in the last column."""
        pairs = zip(reversed(self._columns), reversed(cells), strict=False)
        sums = [0.0, *accumulate(column.plausibility(cell) for column, cell in pairs)]
        return [*[-math.inf] * max(0, len(cells) - self._width), *reversed(sums)]

    def _separated(self, line: str) -> Iterator[_Reading]:
        """Yield the readings by other separators."""
        text = line.strip("\r\n")
        splits = [_split(text, mark) for mark in _SEPARATORS if mark != self._delimiter]
        for cells in (*splits, text.split()):
            if len(cells) == self._width > 1:
                mended = Mended([cell.strip() for cell in cells], "its cells are parted by another separator")
                yield _Reading(mended, self._plausibility(mended.cells) + _STRONG)

    def _widened(self, cells: Sequence[str]) -> Iterator[_Reading]:
        """Yield the readings in which cells are missing, at the end or elsewhere."""
        missing = self._width - len(cells)
        if not cells or (len(cells) == 1 and self._width > 2 and kind_of(cells[0]) == "text"):
            return
        before, after = self._sums_before(cells), self._sums_after(cells)
        for start in range(len(cells) + 1):
            plausibility = before[start] + after[start]
            if plausibility > -math.inf:
                # Rows are cut off at their end more often than cells are left out elsewhere.
                is_end = start == len(cells)
                why = _count(missing, "missing cell at its end was", "left empty") if is_end else ""
                widened = [*cells[:start], *[""] * missing, *cells[start:]]
                yield _Reading(Mended(widened, why), plausibility + is_end * _STRONG)

    def _narrowed(self, cells: Sequence[str]) -> Iterator[_Reading]:
        """Yield the readings without an empty cell, and those in which cells are joined."""
        surplus = len(cells) - self._width
        if surplus > _MAX_SURPLUS:
            return
        before, after = self._sums_before(cells), self._sums_after(cells)
        for start in range(self._width + 1):
            gone = cells[start : start + surplus]
            plausibility = before[start] + after[start + surplus]
            if plausibility > -math.inf and not any(cell.strip() for cell in gone):
                narrowed = [*cells[:start], *cells[start + surplus :]]
                is_end = start == self._width
                mended = Mended(narrowed, _count(surplus, "empty cell was", "dropped"))
                yield _Reading(mended, plausibility + is_end * _STRONG)
        for start in range(self._width):
            parts = cells[start : start + surplus + 1]
            around = before[start] + after[start + surplus + 1]
            if around == -math.inf or not all(cell.strip() for cell in parts):
                continue
            # In prose a space follows a separator; elsewhere in the file none does, as a rule.
            is_prose = all(cell.startswith(" ") for cell in parts[1:])
            joined = self._delimiter.join(parts)
            plausibility = around + self._columns[start].plausibility(joined, is_new=is_prose)
            mended = Mended(
                [*cells[:start], joined, *cells[start + surplus + 1 :]], "a separator within a cell is not quoted"
            )
            yield _Reading(mended, plausibility + is_prose * _STRONG)


def _split(text: str, separator: str) -> list[str]:
    """Return the cells of a row; none if a line ends within a cell that the separator leaves without quotes."""
    try:
        return next(csv_reader([text], separator), [])
    except csv.Error:
        return []


def _count(number: int, what: str, done: str) -> str:
    return (
        f"1 {what} {done}"
        if number == 1
        else f"{number} {what.replace('cell', 'cells', 1).replace('was', 'were')} {done}"
    )
