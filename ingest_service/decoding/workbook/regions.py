"""Regions of a sheet: several tables below and beside each other, and ranges such as `B2:F40`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

from ingest_service.decoding.csv_rows import LooseRow
from ingest_service.decoding.stacked_tables import find_stacked
from ingest_service.decoding.workbook.cells import cell_text, is_filled

_MAX_CELLS = 1_000_000
"""Larger sheets hold one table: what has several was made for people."""
MAX_LEFT_OUT = 0.1
"""If more of the filled cells are in none of the tables, the sheet is read as one."""
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6}):\$?([A-Z]{1,3})\$?([1-9]\d{0,6})", re.IGNORECASE)
_LETTERS = 26


@dataclass(frozen=True)
class Region:
    """Rows and columns of a sheet, counted from 0; the ends are outside."""

    first_row: int
    end_row: int
    first_column: int
    end_column: int
    names: tuple[str, ...] = ()
    """The names in the header, where they are known."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.end_row - self.first_row

    @property
    def size(self) -> int:
        """The number of cells."""
        return self.rows * (self.end_column - self.first_column)

    def __str__(self) -> str:
        """Return the region as spreadsheets write it."""
        first, last = _column_letters(self.first_column), _column_letters(self.end_column - 1)
        return f"{first}{self.first_row + 1}:{last}{self.end_row}"


def parse_range(text: str) -> Region | None:
    """Return the region that a range such as `B2:F40` names, or None."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    columns, rows = sorted(map(_column_number, match.group(1, 3))), sorted(map(int, match.group(2, 4)))
    return Region(rows[0] - 1, rows[1], columns[0], columns[1] + 1)


def find_regions(rows: Sequence[Sequence[Any]], *, first_row: int, first_column: int) -> list[Region]:
    """Return the regions of the tables in a sheet, if it has more than one; none otherwise.

    Tables beside each other are parted by an empty column and differ in where they begin or end; an empty column
    within one table parts nothing.

    Args:
        rows: the cells from the first row and column with data on, all rows in one width.
        first_row: the row of the sheet at which they begin.
        first_column: the column at which they begin.
    """
    width = len(rows[0]) if rows else 0
    if len(rows) * width > _MAX_CELLS:
        return []
    regions: list[Region] = []
    total = sum(is_filled(cell) for row in rows for cell in row)
    for start, end in _filled_columns(rows, width):
        texts = [[cell_text(cell) for cell in row[start:end]] for row in rows]
        tables = find_stacked([LooseRow(cells, line, "", False) for line, cells in enumerate(texts, 1)])
        if not tables and sum(map(bool, (cell for row in texts for cell in row))) > MAX_LEFT_OUT * total:
            return []
        for table in tables:
            full = [row.line for row in table.rows if 2 * sum(map(bool, row.cells)) >= table.width]
            left, top = first_column + start, first_row + table.body[0].line - 1
            regions.append(Region(top, first_row + full[-1], left, left + table.width, tuple(table.names)))
    return regions if len(regions) > 1 and not _are_one(regions) else []


def _are_one(regions: Sequence[Region]) -> bool:
    """Return True if some of the regions are parts of one table, which begin in one row and are about as long."""
    pairs = [(left, right) for left, right in combinations(regions, 2) if left.first_row == right.first_row]
    return any(4 * min(left.rows, right.rows) > 3 * max(left.rows, right.rows) for left, right in pairs)


def _filled_columns(rows: Sequence[Sequence[Any]], width: int) -> Iterator[tuple[int, int]]:
    """Yield the first column and the end of each group of columns between empty ones."""
    has_data = [any(is_filled(row[column]) for row in rows) for column in range(width)]
    for is_group, group in groupby(range(width), key=has_data.__getitem__):
        places = list(group)
        if is_group:
            yield places[0], places[-1] + 1


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = _LETTERS * number + ord(letter) - ord("A") + 1
    return number - 1


def _column_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters
