"""Reading a sheet of an Excel or OpenDocument workbook."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

from ingest_service.decoding.json_table import JsonTable
from ingest_service.decoding.non_data_rows import HEADER_AGAIN, TOTALS, has_totals, repeats_header
from ingest_service.decoding.rejects import Rejects
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_WIDE = 0.5
"""The header fills more than this share of the columns; a title above it fills fewer."""


def recognise(path: Path, filename: str) -> str:
    """`xlsx`, `xls` or `ods` for a file that is known to be a workbook, or begins like an old one; else empty."""
    with path.open("rb") as file:
        head = file.read(4)
    suffix = Path(filename.lower()).suffix.lstrip(".")
    if head == _OLD_OFFICE:
        return "xls"
    if head == b"PK\x03\x04":
        return suffix if suffix in ("xlsx", "xlsm", "xlsb", "ods") else "xlsx"
    return ""


def read_workbook(path: Path, form: str, options: ReadOptions) -> tuple[JsonTable, str, int, Rejects]:
    """The table of the chosen sheet, or of the first with data; the sheet's name, its header's row, what is no row.

    Raises:
        Unprocessable: it is no workbook, has no such sheet, or no data.
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
        name, rows, above = _sheet(book, options.sheet)
    except (CalamineError, OSError) as error:
        raise Unprocessable(f"The {form} workbook can't be read: {error}.", reason="UNREADABLE_FILE") from error
    header = _header_row(rows) if options.header_row is None else max(0, options.header_row - above)
    width = max(len(row) for row in rows)
    names = [_name(cell) for cell in _padded(rows[header - 1], width)] if 0 < header <= len(rows) else [""] * width
    body, rejects = _body(rows, header, width, names, above)
    notes = [] if len(book.sheet_names) == 1 else [_sheet_note(name, book.sheet_names)]
    if header > 1:
        notes.append(
            f"{header - 1} rows above the header were left out."
            if header > 2
            else "The row above the header was left out."
        )
    columns = [[_value(row[place]) for row in body] for place in range(width)]
    table = JsonTable(
        names=names,
        rows=len(body),
        column=lambda place: _settled(columns[place]),
        format=form,
        notes=notes,
    )
    return table, name, header + above if header else 0, rejects


def _body(
    rows: list[list[Any]], header: int, width: int, names: list[str], above: int
) -> tuple[list[list[Any]], Rejects]:
    """The rows below the header that have a value, and what stands between them."""
    body, rejects = [], Rejects()
    filled = [place for place in range(header, len(rows)) if any(cell not in ("", None) for cell in rows[place])]
    for place in filled:
        row, reason = _padded(rows[place], width), None
        if header and repeats_header([_name(cell) for cell in row], names):
            reason = HEADER_AGAIN
        elif place == filled[-1] and has_totals(row):
            reason = TOTALS
        if reason is None:
            body.append(row)
        else:
            rejects.add(place + 1 + above, reason, "\t".join("" if cell is None else str(cell) for cell in row))
    return body, rejects


def _sheet(book: CalamineWorkbook, wanted: str | None) -> tuple[str, list[list[Any]], int]:
    """The name of a sheet, its rows from the first with data, and how many are above that."""
    names = book.sheet_names
    if wanted is not None:
        chosen = wanted if wanted in names else _numbered(names, wanted)
        candidates = [chosen]
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


def _numbered(names: Sequence[str], wanted: str) -> str:
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    listed = ", ".join(repr(name) for name in names[:10])
    raise Unprocessable(f"The workbook has no sheet {wanted[:100]!r}; it has {listed}.", reason="UNKNOWN_SHEET")


def _header_row(rows: Sequence[Sequence[Any]]) -> int:
    """The first row, from 1, that is filled about as far as the table is wide."""
    width = max(len(row) for row in rows)
    filled = [sum(cell not in ("", None) for cell in row) for row in rows[:50]]
    return next((place for place, size in enumerate(filled, start=1) if size > _WIDE * width), 1)


def _sheet_note(name: str, names: Sequence[str]) -> str:
    return f"Read the sheet {name!r}, one of {len(names)}."


def _padded(row: Sequence[Any], width: int) -> list[Any]:
    return [*row, *[""] * (width - len(row))]


def _name(cell: Any) -> str:
    value = _value(cell)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _value(cell: Any) -> Any:
    """A cell as JSON has values; dates as ISO text."""
    if cell in ("", None):
        return None
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return cell


def _settled(values: list[Any]) -> list[Any]:
    """Whole numbers as such: a workbook knows only one kind of number."""
    numbers = [value for value in values if isinstance(value, float)]
    mixed = any(isinstance(value, str | bool) for value in values)
    if numbers and (mixed or all(number.is_integer() for number in numbers)):
        return [
            int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
            for value in values
        ]
    return values
