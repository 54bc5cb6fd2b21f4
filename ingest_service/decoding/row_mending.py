"""Mending of rows that have another number of cells than the table, where one way alone to read them fits."""

import csv
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest_service.decoding.cell_kinds import ColumnKinds, kind_of

_MIN_ROWS = 5
_MARGIN = math.log(20)
"""How much more plausible a reading has to be than every other: twenty times."""
_STRONG = 2 * _MARGIN
"""What is added for a fault that is frequent: cells lost or added at the end of a row, or a row of another dialect."""
_SEPARATORS = (",", ";", "\t", "|")
_MAX_SURPLUS = 4
_MOST_PARTED, _LONGEST_PARTED = 100, 60
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

    def mend(self, cells: Sequence[str], line: str) -> Mended | None:
        """Return a row in the width of the table; None if no reading is plausible, or more than one is.

        Args:
            cells: the row as it was read.
            line: its text.
        """
        surplus = len(cells) - self._width
        if not self._columns:
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
        fits = self._plausibility(stripped, free=range(self._width)) > -math.inf
        return Mended(stripped, "a quote that is never closed was dropped") if fits else None

    def _may_have_run_together(self, cells: Sequence[str]) -> bool:
        """Return True if a row that lacks one cell also fits with one of its cells parted into two."""
        for place, cell in enumerate(cells[:_MOST_PARTED]):
            after = zip(self._columns[place + 2 :], cells[place + 1 :], strict=True)
            if len(cell) > _LONGEST_PARTED or any(column.plausibility(each) == -math.inf for column, each in after):
                continue
            left, right = self._columns[place : place + 2]
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

    def _plausibility(self, cells: Sequence[str], *, free: Sequence[int] = (), skipped: Sequence[int] = ()) -> float:
        return sum(
            column.plausibility(cell, is_new=place in free)
            for place, (column, cell) in enumerate(zip(self._columns, cells, strict=True))
            if place not in skipped
        )

    def _separated(self, line: str) -> Iterator[_Reading]:
        """Yield the readings by other separators."""
        text = line.strip("\r\n")
        splits = [next(csv.reader([text], delimiter=mark), []) for mark in _SEPARATORS if mark != self._delimiter]
        for cells in (*splits, text.split()):
            if len(cells) == self._width > 1:
                mended = Mended([cell.strip() for cell in cells], "its cells are parted by another separator")
                yield _Reading(mended, self._plausibility(mended.cells) + _STRONG)

    def _widened(self, cells: Sequence[str]) -> Iterator[_Reading]:
        """Yield the readings in which cells are missing, at the end or elsewhere."""
        missing = self._width - len(cells)
        if not cells or (len(cells) == 1 and self._width > 2 and kind_of(cells[0]) == "text"):
            return
        for start in range(len(cells) + 1):
            widened = [*cells[:start], *[""] * missing, *cells[start:]]
            plausibility = self._plausibility(widened, skipped=range(start, start + missing))
            # Rows are cut off at their end more often than cells are left out elsewhere.
            is_end = start == len(cells)
            mended = Mended(widened, _count(missing, "missing cell at its end was", "left empty"))
            yield _Reading(mended if is_end else Mended(widened, ""), plausibility + is_end * _STRONG)

    def _narrowed(self, cells: Sequence[str]) -> Iterator[_Reading]:
        """Yield the readings without an empty cell, and those in which cells are joined."""
        surplus = len(cells) - self._width
        if surplus > _MAX_SURPLUS:
            return
        for start in range(len(cells) - surplus + 1):
            if not any(cell.strip() for cell in cells[start : start + surplus]):
                narrowed = [*cells[:start], *cells[start + surplus :]]
                mended = Mended(narrowed, _count(surplus, "empty cell was", "dropped"))
                is_end = start == self._width
                yield _Reading(mended, self._plausibility(narrowed) + is_end * _STRONG)
        for start in range(self._width):
            joined = self._delimiter.join(cells[start : start + surplus + 1])
            narrowed = [*cells[:start], joined, *cells[start + surplus + 1 :]]
            if all(cell.strip() for cell in cells[start : start + surplus + 1]):
                mended = Mended(narrowed, "a separator within a cell is not quoted")
                # In prose a space follows a separator; elsewhere in the file none does, as a rule.
                is_prose = all(cell.startswith(" ") for cell in cells[start + 1 : start + surplus + 1])
                plausibility = self._plausibility(narrowed, free=(start,) if is_prose else ())
                yield _Reading(mended, plausibility + is_prose * _STRONG)


def _count(number: int, what: str, done: str) -> str:
    return (
        f"1 {what} {done}"
        if number == 1
        else f"{number} {what.replace('cell', 'cells', 1).replace('was', 'were')} {done}"
    )
