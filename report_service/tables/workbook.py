"""A stored table as an Excel workbook, with the changed cells in colour and what was done on a sheet of its own."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from report_service.table_form import LoggedStep
from report_service.tables.csv_table import precise_schema, read_batches
from report_service.tables.written_cells import ChangedCells
from shared.contracts.vocabulary import ChangeKind
from shared.errors import TooLarge

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
"""The limits of a sheet."""
MAX_CELLS = 3_000_000
"""Larger tables take too long, and Excel is slow to open them."""
MAX_LISTED_CHANGES = 100_000
_MAX_TEXT = 32_767
_LARGEST_EXACT_INTEGER = 2**53
_LARGEST_NUMBER = 9.99e307
"""Beyond, what Excel stores is infinite."""
_FIRST_DATE = datetime(1900, 3, 1)
"""Excel counts a day that never was before this one, and knows none before 1900."""
_MIN_WIDTH, _MAX_WIDTH = 8, 60
_WIDTH_ROWS = 100
_COLOURS: Mapping[ChangeKind, str] = {
    "corrected": "#FFE699",
    "filled": "#C6E0B4",
    "emptied": "#F8CBAD",
    "hidden": "#D9D9D9",
}
_STEP_COLUMNS = ("step", "log", "what", "columns", "state", "cells changed", "why")
_DONE_SHEET, _CHANGES_SHEET = "what was done", "changes"
Column = tuple[str, Mapping[int, ChangeKind]]


def write_workbook(
    table: pq.ParquetFile,
    target: Path,
    *,
    name: str,
    marked: Mapping[str, ChangedCells],
    changes: Path | None,
    steps: Sequence[LoggedStep],
) -> None:
    """Write a table as a workbook; nothing in it is a formula. Numbers keep 16 digits, moments milliseconds.

    Args:
        table: the table.
        target: the file to write; temporary files are written beside it.
        name: the name of the sheet with the table.
        marked: the changed cells, which get a colour by the kind of their change.
        changes: the list of changes as a Parquet file, for a sheet of its own; it is left out if it is long.
        steps: what was done, for another sheet.

    Raises:
        TooLarge: the table has more rows or columns than a sheet, or too many cells.
    """
    _require_room(table)
    options = {"constant_memory": True, "tmpdir": str(target.parent)}
    with xlsxwriter.Workbook(str(target), options) as book:
        styles = _Styles(book)
        _write_table(book.add_worksheet(name), styles, table, marked)
        if steps:
            _write_steps(book.add_worksheet(_DONE_SHEET), styles, steps, has_colours=bool(marked))
        if changes is not None and pq.read_metadata(changes).num_rows <= MAX_LISTED_CHANGES:
            with pq.ParquetFile(changes) as ledger:
                _write_table(book.add_worksheet(_CHANGES_SHEET), styles, ledger, {})


def _require_room(table: pq.ParquetFile) -> None:
    rows, columns = table.metadata.num_rows, len(table.schema_arrow)
    if rows + 1 > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise TooLarge(
            f"The table has {rows:,} rows × {columns:,} columns; as a workbook at most {MAX_CELLS:,} cells, "
            f"{MAX_ROWS - 1:,} rows and {MAX_COLUMNS:,} columns can be had. Fetch it as CSV or Parquet.",
            reason="XLSX_TOO_LARGE",
        )


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._formats: dict[tuple[str, str], Format] = {}
        self.plain = book.add_format()
        self.header = book.add_format({"bold": True, "bottom": 1})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def of(self, number_format: str, kind: ChangeKind | None) -> Format | None:
        """Return the format of a cell; None for one without any."""
        colour = _COLOURS.get(kind, "") if kind else ""
        if not number_format and not colour:
            return None
        key = (number_format, colour)
        if key not in self._formats:
            properties = {"num_format": number_format} if number_format else {}
            properties |= {"bg_color": colour} if colour else {}
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]


def _write_table(sheet: Worksheet, styles: _Styles, table: pq.ParquetFile, marked: Mapping[str, ChangedCells]) -> None:
    schema = precise_schema(table)
    kinds = [marked[field.name].by_position() if field.name in marked else {} for field in schema]
    formats = [_number_format(field.type) for field in schema]
    _set_widths(sheet, table, schema.names)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, table.metadata.num_rows, len(schema) - 1)
    for index, column in enumerate(schema.names):
        _write_text(sheet, (0, index), column, styles.header, styles.plain)
    for row, values in enumerate(_rows(table, schema)):
        for index, value in enumerate(values):
            _write_cell(sheet, (row + 1, index), value, styles.of(formats[index], kinds[index].get(row)), styles.plain)


def _rows(table: pq.ParquetFile, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    for batch in read_batches(table):
        columns = [batch.column(field.name).cast(field.type).to_pylist() for field in schema]
        yield from zip(*columns, strict=True)


def _set_widths(sheet: Worksheet, table: pq.ParquetFile, names: Sequence[str]) -> None:
    first = next(read_batches(table), None)
    for index, name in enumerate(names):
        cells = [] if first is None else first.column(index).slice(0, _WIDTH_ROWS).to_pylist()
        longest = max((len(str(cell)) for cell in (name, *cells) if cell is not None), default=0)
        sheet.set_column(index, index, min(max(longest + 2, _MIN_WIDTH), _MAX_WIDTH))


def _number_format(kind: pa.DataType) -> str:
    if pa.types.is_date(kind):
        return "yyyy-mm-dd"
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return "yyyy-mm-dd hh:mm:ss" if kind.unit == "s" else "yyyy-mm-dd hh:mm:ss.000"
    return ""


def _write_cell(sheet: Worksheet, at: tuple[int, int], value: Any, style: Format | None, plain: Format) -> None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        if style is not None:
            sheet.write_blank(*at, None, style)
    elif isinstance(value, bool):
        sheet.write_boolean(*at, value, style)
    elif isinstance(value, int | float) and abs(value) <= _largest(value):
        sheet.write_number(*at, value, style)
    elif isinstance(value, date) and _is_excel_date(value):
        sheet.write_datetime(*at, value, style)
    else:
        text = value.isoformat() if isinstance(value, date) else str(value)
        _write_text(sheet, at, text, style, plain)


def _largest(value: float) -> float:
    return _LARGEST_NUMBER if isinstance(value, float) else _LARGEST_EXACT_INTEGER


def _write_text(sheet: Worksheet, at: tuple[int, int], text: str, style: Format | None, plain: Format) -> None:
    """Write a text, cut where a cell can't hold all of it."""
    text = text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
    if text.startswith("<r>") and text.endswith("</r>"):
        # The library writes such a text as the markup that it looks like, except in pieces.
        sheet.write_rich_string(*at, text[:1], plain, text[1:], *([] if style is None else [style]))
    else:
        sheet.write_string(*at, text, style)


def _is_excel_date(value: date) -> bool:
    if not isinstance(value, datetime):
        return value >= _FIRST_DATE.date()
    return value.tzinfo is None and value >= _FIRST_DATE


def _write_steps(sheet: Worksheet, styles: _Styles, steps: Sequence[LoggedStep], *, has_colours: bool) -> None:
    for index, width in enumerate((6, 10, 24, 30, 10, 14, 110)):
        sheet.set_column(index, index, width)
    for index, name in enumerate(_STEP_COLUMNS):
        sheet.write_string(0, index, name, styles.header)
    for row, step in enumerate(steps, start=1):
        cells = (step.step, step.log, step.what, step.columns, step.state, step.cells_changed, step.why)
        for index, value in enumerate(cells):
            _write_cell(sheet, (row, index), value, styles.wrapped, styles.plain)
    if has_colours:
        for row, kind in enumerate(_COLOURS, start=len(steps) + 2):
            sheet.write_string(row, 2, kind, styles.of("", kind))
            sheet.write_string(row, 3, f"cells of the table that were {kind}")
