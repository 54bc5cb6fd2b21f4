"""A sheet of a workbook as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineSheet

from ingest_service.decoding.cell_kinds import SPECIFIC, kind_of
from ingest_service.decoding.csv_rows import LooseRow
from ingest_service.decoding.header_detection import Layout, find_header
from ingest_service.decoding.header_rows import is_group_row
from ingest_service.decoding.non_data_rows import NonDataRows, find_non_data_rows
from ingest_service.decoding.rejects import Rejects
from ingest_service.decoding.row_samples import RowSample
from ingest_service.decoding.workbook.cells import cell_text, cell_value, is_filled, restore_integers, text_column
from ingest_service.decoding.workbook.regions import Region, find_regions
from ingest_service.decoding.workbook.sheet_parts import read_sheet_facts

_SAMPLE_ROWS = 200
_MAX_LISTED = 3
_MAX_MERGED_CELLS = 1_000_000
_DOUBTFUL = "Whether the first row has the names of the columns is doubtful; header_row=0 reads it as data."
_MIN_HEADER_SHARE = 0.5
"""A header fills more than this share of the columns; a title above it fills fewer."""


@dataclass(frozen=True)
class SheetTable:
    """The table of a sheet."""

    names: list[str]
    columns: list[list[Any]]
    header_row: int
    """The row of the header, from 1; 0 for none."""
    rejects: Rejects
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0


class SheetCells:
    """The cells of a sheet, from the first row and column with data on, all rows in one width."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self.name = sheet.name
        self.first_row, self.first_column = sheet.start or (0, 0)
        rows = sheet.to_python(skip_empty_area=True)
        width = max(map(len, rows), default=0)
        self.rows: list[list[Any]] = [[*row, *[""] * (width - len(row))] for row in rows]
        self.filled_merged_cells = self._fill_merged(sheet.merged_cell_ranges or ())
        self.has_data = any(is_filled(cell) for row in self.rows for cell in row)

    @property
    def size(self) -> int:
        """The number of cells."""
        return sum(map(len, self.rows))

    def cut(self, region: Region) -> None:
        """Leave only the cells of a region."""
        top, left = max(0, region.first_row - self.first_row), max(0, region.first_column - self.first_column)
        bottom, right = region.end_row - self.first_row, region.end_column - self.first_column
        self.rows = [row[left : max(0, right)] for row in self.rows[top : max(0, bottom)]]
        self.first_row += top
        self.first_column += left
        self.has_data = any(is_filled(cell) for row in self.rows for cell in row)

    def _fill_merged(self, ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> int:
        """Repeat the value of cells that are merged below each other; return how many cells got one."""
        filled = 0
        for (top, left), (bottom, _) in ranges:
            first, column = top - self.first_row, left - self.first_column
            if not (0 <= first < len(self.rows) and 0 <= column < len(self.rows[0])):
                continue
            value = self.rows[first][column]
            # An amount that is merged over rows is that of all of them together.
            is_label = isinstance(value, str | date) or column == 0
            below = self.rows[first + 1 : bottom - self.first_row + 1]
            if not is_filled(value) or not is_label or filled + len(below) > _MAX_MERGED_CELLS:
                continue
            for row in below:
                row[column] = value
            filled += len(below)
        return filled


def read_sheet(path: Path, cells: SheetCells, *, region: Region | None, header_row: int | None) -> SheetTable:
    """Return the table of a sheet.

    Args:
        path: the file, for facts about the sheet that its cells do not show.
        cells: the cells of the sheet, which has data.
        region: the region to read; None for that of the largest table.
        header_row: the row of the header, from 1; 0 for none; None to detect it.
    """
    columns = cells.first_column + len(cells.rows[0])
    notes = list(read_sheet_facts(path, cells.name, columns=columns).notes())
    if cells.filled_merged_cells:
        were = "1 cell was" if cells.filled_merged_cells == 1 else f"{cells.filled_merged_cells:,} cells were"
        notes.append(f"{were} filled with the value of the cell above that they are merged with.")
    if region is None and header_row != 0:
        region, region_notes = _choose_region(cells, header_row)
        notes += region_notes
    if region is not None:
        cells.cut(region)
    names, header, first, header_notes = _find_names(cells, header_row)
    body, rejects, row_notes = _split_body(cells, first, names if header else [])
    kept = [index for index, name in enumerate(names) if name.strip() or any(is_filled(row[index]) for row in body)]
    if len(kept) < len(names):
        count = len(names) - len(kept)
        were = "1 empty column without a name was" if count == 1 else f"{count:,} empty columns without a name were"
        notes.append(f"{were} left out.")
    return SheetTable(
        names=[names[index] for index in kept],
        columns=[restore_integers([cell_value(row[index]) for row in body]) for index in kept],
        header_row=header,
        rejects=rejects,
        notes=(*header_notes, *notes, *row_notes),
    )


def _choose_region(cells: SheetCells, header_row: int | None) -> tuple[Region | None, Sequence[str]]:
    """Return the region of the table with the header, or of the largest of several, and a note about the others."""
    regions = find_regions(cells.rows, first_row=cells.first_row, first_column=cells.first_column)
    if not regions:
        return None, ()
    asked = [region for region in regions if header_row and region.first_row < header_row <= region.end_row]
    chosen = asked[0] if asked else max(regions, key=lambda region: region.size)
    others = [region for region in regions if region is not chosen]
    listed = ", ".join(f"{region} ({', '.join(region.names[:_MAX_LISTED])})" for region in others[:_MAX_LISTED])
    more = f" and {len(others) - _MAX_LISTED} more" if len(others) > _MAX_LISTED else ""
    which = "that of header_row was read" if asked else "the largest was read"
    note = f"The sheet holds {len(regions)} tables; {which}, {chosen}. There is also {listed}{more}; "
    return chosen, (f"{note}sheet={cells.name}!{others[0]} reads that range.",)


def _find_names(cells: SheetCells, header_row: int | None) -> tuple[list[str], int, int, list[str]]:
    """Return the names, the row of the header from 1, the index of the first row below it, and notes."""
    rows, above = cells.rows, cells.first_row
    width = len(rows[0])
    if header_row is not None:
        header = max(0, header_row - above)
        names = [cell_text(cell) for cell in rows[header - 1]] if 0 < header <= len(rows) else [""] * width
        return names, header + above if header else 0, header, _titles_note(header - 1)
    texts = [[cell_text(cell) for cell in row] for row in rows[:_SAMPLE_ROWS]]
    start = _skip_titles(texts)
    sample = [LooseRow(row, start + offset, "", False) for offset, row in enumerate(texts[start:], 1) if any(row)]
    layout = find_header(RowSample("", sample))
    if layout.header_row == 0 and any(kind_of(cell) not in SPECIFIC for cell in sample[0].cells if cell):
        # Names such as years and dates look like values, and few sheets have no header.
        layout = Layout("", sample[0].line, notes=(_DOUBTFUL,))
    header = layout.header_row
    first = layout.first_line - 1 if layout.first_line else header
    names = list(layout.names or (texts[header - 1] if header else [""] * width))
    notes = [*_titles_note(start), *layout.notes] if start else list(layout.notes)
    return names, header + above if header else 0, first, notes


def _skip_titles(texts: Sequence[Sequence[str]]) -> int:
    """Return the number of rows above the first that fills more than half of the columns, or names their groups."""
    width = len(texts[0])
    enough = [sum(map(bool, row)) > _MIN_HEADER_SHARE * width for row in texts]
    first = enough.index(True) if any(enough) else 0
    return first - 1 if first and is_group_row(texts[first - 1], texts[first]) else first


def _titles_note(count: int) -> list[str]:
    if count < 1:
        return []
    rows = "row above the header was" if count == 1 else f"{count} rows above the header were"
    return [f"The {rows} left out."]


def _split_body(
    cells: SheetCells, first: int, header: Sequence[str]
) -> tuple[list[list[Any]], Rejects, tuple[str, ...]]:
    """Return the data rows from an index on, the rejected rows, and notes; blank rows are neither."""
    filled = [index for index in range(first, len(cells.rows)) if any(map(is_filled, cells.rows[index]))]
    body = [cells.rows[index] for index in filled]
    non_data = _find_non_data_rows(body, header)
    rejects = Rejects()
    for position in sorted(non_data.roles):
        text = "\t".join("" if cell is None else str(cell) for cell in body[position])
        rejects.add(filled[position] + 1 + cells.first_row, non_data.roles[position], text)
    return [row for position, row in enumerate(body) if position not in non_data.roles], rejects, non_data.notes


def _find_non_data_rows(rows: list[list[Any]], header: Sequence[str]) -> NonDataRows:
    if not rows:
        return NonDataRows()
    columns = [text_column(cells) for cells in zip(*rows, strict=True)]
    batch = pa.record_batch(columns, [f"f{position}" for position in range(len(columns))])
    return find_non_data_rows(lambda: iter([batch]), header)
