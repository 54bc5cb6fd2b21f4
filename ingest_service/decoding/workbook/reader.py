"""The sheets of a workbook: which of them are read, and how they are put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ingest_service.decoding.json_table import JsonTable
from ingest_service.decoding.rejects import Rejects
from ingest_service.decoding.workbook.regions import Region, parse_range
from ingest_service.decoding.workbook.sheet import SheetCells, SheetTable, read_sheet
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable

ALL_SHEETS = "*"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"
_MAX_SHEET_DIGITS = 4
_MAX_LISTED = 10
_SHEET_COLUMN = "sheet"
_COVER_SHARE = 0.05
"""A sheet with fewer cells than this share of the largest one is a cover, if it comes first."""
_MIN_SHARED_NAMES = 0.5
"""Sheets are put together if this share of their columns is in the first."""


@dataclass(frozen=True)
class ReadWorkbook:
    """What was read of a workbook."""

    table: JsonTable
    sheet: str
    """The name of the sheet; `*` for all of them."""
    header_row: int
    """The row of the header, from 1; 0 for none."""
    rejects: Rejects


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


def read_workbook(path: Path, file_format: str, options: ReadOptions) -> ReadWorkbook:
    """Read the chosen sheet or range, all sheets, or the first sheet with data that is more than a cover.

    Raises:
        Unprocessable: the file is not a workbook, has no such sheet, or has no data, or the sheets do not fit together.
    """
    try:
        book = CalamineWorkbook.from_path(str(path))
        if options.sheet == ALL_SHEETS and ALL_SHEETS not in book.sheet_names:
            return _read_all(path, book, file_format, options)
        cells, region = _choose_sheet(book, options.sheet)
    except (CalamineError, OSError) as error:
        raise Unprocessable(f"The {file_format} workbook can't be read: {error}.", reason="UNREADABLE_FILE") from error
    table = read_sheet(path, cells, region=region, header_row=options.header_row)
    read = str(region) if region is not None else ""
    note = _sheet_note(cells.name, book) if len(book.sheet_names) > 1 else ()
    return ReadWorkbook(
        table=_json_table(table.names, table.columns, file_format, (*note, *table.notes)),
        sheet=f"{cells.name}!{read}" if read else cells.name,
        header_row=table.header_row,
        rejects=table.rejects,
    )


def _json_table(
    names: Sequence[str], columns: Sequence[Sequence[Any]], file_format: str, notes: Sequence[str]
) -> JsonTable:
    rows = len(columns[0]) if columns else 0
    return JsonTable(names=names, rows=rows, column=columns.__getitem__, format=file_format, notes=notes)


def _choose_sheet(book: CalamineWorkbook, requested: str | None) -> tuple[SheetCells, Region | None]:
    """Return the cells of a sheet, and the range of them that was requested.

    Raises:
        Unprocessable: there is no such sheet, or it has no data.
    """
    region = None
    if requested is not None:
        name, region = _parse_sheet(book.sheet_names, requested)
        cells = SheetCells(book.get_sheet_by_name(name))
        if region is not None:
            cells.cut(region)
        candidates = [cells]
    else:
        candidates = _sheets(book, are_visible=True) or _sheets(book, are_visible=False)
    candidates = [cells for cells in candidates if cells.has_data]
    if not candidates:
        nothing = "The workbook has no sheet with data." if requested is None else f"There is no data in {requested!r}."
        raise Unprocessable(nothing, reason="EMPTY_FILE")
    largest = max(candidates, key=lambda cells: cells.size)
    is_cover = candidates[0].size < _COVER_SHARE * largest.size
    return (largest if is_cover else candidates[0]), region


def _sheets(book: CalamineWorkbook, *, are_visible: bool) -> list[SheetCells]:
    """Return the cells of the visible or the hidden sheets with data; charts are none."""
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and (sheet.visible == SheetVisibleEnum.Visible) == are_visible
    ]
    sheets = (SheetCells(book.get_sheet_by_name(name)) for name in names)
    return [cells for cells in sheets if cells.has_data]


def _parse_sheet(names: Sequence[str], requested: str) -> tuple[str, Region | None]:
    """Return the sheet and the range that were requested as `name`, `2`, `name!B2:F40` or `B2:F40`."""
    if requested in names:
        return requested, None
    name, _, text = requested.rpartition("!")
    region = parse_range(text)
    if region is None:
        return _sheet_by_number(names, requested), None
    name = name.strip("'")
    return (name if name in names else _sheet_by_number(names, name or "1")), region


def _sheet_by_number(names: Sequence[str], requested: str) -> str:
    is_number = requested.isascii() and requested.isdecimal() and len(requested) <= _MAX_SHEET_DIGITS
    if is_number and 1 <= int(requested) <= len(names):
        return names[int(requested) - 1]
    listed = ", ".join(repr(name) for name in names[:_MAX_LISTED])
    raise Unprocessable(f"The workbook has no sheet {requested[:100]!r}; it has {listed}.", reason="UNKNOWN_SHEET")


def _sheet_note(name: str, book: CalamineWorkbook) -> tuple[str, ...]:
    hidden = [sheet.name for sheet in book.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible]
    note = f"Read the sheet {name!r}, one of {len(book.sheet_names)}"
    return (f"{note} ({len(hidden)} of them hidden)." if hidden else f"{note}.",)


def _read_all(path: Path, book: CalamineWorkbook, file_format: str, options: ReadOptions) -> ReadWorkbook:
    """Return the rows of all visible sheets below each other, with the name of the sheet in the first column."""
    sheets = _sheets(book, are_visible=True)
    if not sheets:
        raise Unprocessable("The workbook has no sheet with data.", reason="EMPTY_FILE")
    tables = {cells.name: read_sheet(path, cells, region=None, header_row=options.header_row) for cells in sheets}
    names = _common_names(tables)
    columns: list[list[Any]] = [[] for _ in names]
    origin: list[str] = []
    for sheet, table in tables.items():
        origin += [sheet] * table.rows
        by_name = dict(zip(table.names, table.columns, strict=True))
        for column, name in zip(columns, names, strict=True):
            column += by_name.get(name, [None] * table.rows)
    notes = [f"Read {len(tables)} sheets below each other; the column {_SHEET_COLUMN!r} has the name of each."]
    notes += [f"Sheet {sheet!r}: {note}" for sheet, table in tables.items() for note in table.notes]
    notes += _gap_notes(tables, names)
    return ReadWorkbook(
        table=_json_table([_SHEET_COLUMN, *names], [origin, *columns], file_format, notes),
        sheet=ALL_SHEETS,
        header_row=next(iter(tables.values())).header_row,
        rejects=_join_rejects(tables),
    )


def _common_names(tables: dict[str, SheetTable]) -> list[str]:
    """Return the names of the columns of all sheets, in the order in which they first occur.

    Raises:
        Unprocessable: a sheet shares too few columns with the first one.
    """
    first_sheet, first = next(iter(tables.items()))
    for sheet, table in tables.items():
        shared = len(set(table.names) & set(first.names))
        has_names = len(set(table.names)) == len(table.names) and all(table.names)
        if not has_names or shared < _MIN_SHARED_NAMES * max(len(first.names), len(table.names)):
            raise Unprocessable(
                f"The sheets can't be read below each other: {sheet[:100]!r} has other columns than "
                f"{first_sheet[:100]!r}, or columns without a name of their own. Upload the file once for each sheet, "
                "with its name as sheet=.",
                reason="SHEETS_DIFFER",
            )
    return list(dict.fromkeys(name for table in tables.values() for name in table.names))


def _gap_notes(tables: dict[str, SheetTable], names: Sequence[str]) -> list[str]:
    notes = []
    for sheet, table in tables.items():
        missing = [name for name in names if name not in table.names]
        if missing:
            listed = ", ".join(repr(name) for name in missing[:_MAX_LISTED])
            notes.append(f"The sheet {sheet!r} has no column {listed}; its rows are empty there.")
    return notes


def _join_rejects(tables: dict[str, SheetTable]) -> Rejects:
    rejects = Rejects()
    for sheet, table in tables.items():
        part = table.rejects
        for line, reason, text in zip(part.lines, part.reasons, part.texts, strict=True):
            rejects.add(line, f"{reason} (sheet {sheet})", text)
    return rejects
