"""Reader of a sheet of an Excel or OpenDocument workbook."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

from ingest_service.decoding.json_table import JsonTable
from ingest_service.decoding.non_data_rows import NonDataRows, find_non_data_rows
from ingest_service.decoding.rejects import Rejects
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable

_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_MOST_SHEET_DIGITS = 4
_MIN_HEADER_SHARE = 0.5
"""A header fills more than this share of the columns; a title above it fills fewer."""


def detect_format(path: Path, filename: str) -> str:
    """Return `xlsx`, `xlsm`, `xlsb`, `xls` or `ods` for a workbook; empty for any other file."""
    with path.open("rb") as file:
        head = file.read(4)
    suffix = Path(filename.lower()).suffix.lstrip(".")
    if head == _OLE_MAGIC:
        return "xls"
    if head == b"PK\x03\x04":
        return suffix if suffix in ("xlsx", "xlsm", "xlsb", "ods") else "xlsx"
    return ""


def read_workbook(path: Path, file_format: str, options: ReadOptions) -> tuple[JsonTable, str, int, Rejects]:
    """Read the chosen sheet, or the first with data.

    Returns:
        The table, the name of the sheet, the row of the header (from 1; 0 for none), and the rejected rows.

    Raises:
        Unprocessable: the file is not a workbook, has no such sheet, or has no data.
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
        name, rows, rows_above = _read_sheet(book, options.sheet)
    except (CalamineError, OSError) as error:
        raise Unprocessable(f"The {file_format} workbook can't be read: {error}.", reason="UNREADABLE_FILE") from error
    header = _find_header_row(rows) if options.header_row is None else max(0, options.header_row - rows_above)
    width = max(len(row) for row in rows)
    names = [""] * width
    if 0 < header <= len(rows):
        names = [_cell_name(cell) for cell in _pad_row(rows[header - 1], width)]
    body, rejects, row_notes = _split_body(rows, header, width, names, rows_above)
    notes = [] if len(book.sheet_names) == 1 else [_sheet_note(name, book.sheet_names)]
    if header > 1:
        notes.append(
            f"{header - 1} rows above the header were left out."
            if header > 2
            else "The row above the header was left out."
        )
    notes += row_notes
    columns = [[_cell_value(row[index]) for row in body] for index in range(width)]
    table = JsonTable(
        names=names,
        rows=len(body),
        column=lambda index: _restore_integers(columns[index]),
        format=file_format,
        notes=notes,
    )
    return table, name, header + rows_above if header else 0, rejects


def _split_body(
    rows: list[list[Any]], header: int, width: int, names: list[str], rows_above: int
) -> tuple[list[list[Any]], Rejects, tuple[str, ...]]:
    """Return the data rows below the header, the rejected rows, and notes; blank rows are neither."""
    filled = [index for index in range(header, len(rows)) if any(cell not in ("", None) for cell in rows[index])]
    body = [_pad_row(rows[index], width) for index in filled]
    non_data = _find_non_data_rows(body, names if header else [])
    rejects = Rejects()
    for position in sorted(non_data.roles):
        text = "\t".join("" if cell is None else str(cell) for cell in body[position])
        rejects.add(filled[position] + 1 + rows_above, non_data.roles[position], text)
    return [row for position, row in enumerate(body) if position not in non_data.roles], rejects, non_data.notes


def _find_non_data_rows(rows: list[list[Any]], names: list[str]) -> NonDataRows:
    if not rows:
        return NonDataRows()
    columns = [_as_text(cells) for cells in zip(*rows, strict=True)]
    batch = pa.record_batch(columns, [f"f{position}" for position in range(len(columns))])
    return find_non_data_rows(lambda: iter([batch]), names)


def _as_text(cells: Sequence[Any]) -> pa.Array:
    """Return the cells of a column as text, null where they are empty."""
    try:
        return pa.array([None if cell == "" else cell for cell in cells]).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([_cell_name(cell) or None for cell in cells], pa.string())


def _read_sheet(book: CalamineWorkbook, requested: str | None) -> tuple[str, list[list[Any]], int]:
    """Return a sheet's name, its rows from the first with data, and the number of rows above."""
    names = book.sheet_names
    if requested is not None:
        sheet_name = requested if requested in names else _sheet_by_number(names, requested)
        candidates = [sheet_name]
    else:
        candidates = names
    for name in candidates:
        try:
            sheet = book.get_sheet_by_name(name)
        except WorksheetNotFound:
            continue
        rows = sheet.to_python(skip_empty_area=True)
        if any(cell not in ("", None) for row in rows for cell in row):
            return name, rows, sheet.start[0] if sheet.start else 0
    raise Unprocessable("The workbook has no sheet with data.", reason="EMPTY_FILE")


def _sheet_by_number(names: Sequence[str], requested: str) -> str:
    is_number = requested.isascii() and requested.isdecimal() and len(requested) <= _MOST_SHEET_DIGITS
    if is_number and 1 <= int(requested) <= len(names):
        return names[int(requested) - 1]
    listed = ", ".join(repr(name) for name in names[:10])
    raise Unprocessable(f"The workbook has no sheet {requested[:100]!r}; it has {listed}.", reason="UNKNOWN_SHEET")


def _find_header_row(rows: Sequence[Sequence[Any]]) -> int:
    """Return the first row, from 1, that fills more than half of the columns, or 1."""
    width = max(len(row) for row in rows)
    filled_counts = [sum(cell not in ("", None) for cell in row) for row in rows[:50]]
    numbered = enumerate(filled_counts, start=1)
    return next((number for number, filled in numbered if filled > _MIN_HEADER_SHARE * width), 1)


def _sheet_note(name: str, names: Sequence[str]) -> str:
    return f"Read the sheet {name!r}, one of {len(names)}."


def _pad_row(row: Sequence[Any], width: int) -> list[Any]:
    return [*row, *[""] * (width - len(row))]


def _cell_name(cell: Any) -> str:
    value = _cell_value(cell)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _cell_value(cell: Any) -> Any:
    """Return a cell as a JSON value; dates and times as ISO text."""
    if cell in ("", None):
        return None
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return cell


def _restore_integers(values: list[Any]) -> list[Any]:
    """Return the values of a column with whole numbers as integers.

    A workbook stores every number as a float.
    """
    numbers = [value for value in values if isinstance(value, float)]
    has_other_types = any(isinstance(value, str | bool) for value in values)
    if numbers and (has_other_types or all(number.is_integer() for number in numbers)):
        return [
            int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
            for value in values
        ]
    return values
