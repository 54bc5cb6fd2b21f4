"""Detection of the delimiter and the header of a delimited file by its first rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest_service.decoding.csv_rows import Row, sample_rows
from shared.contracts.run_options import ReadOptions

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_YEARS = range(1800, 2200)
_MAX_TITLE_ROWS = 20
_MIN_TABLE_ROWS = 3
_MIN_REGULAR_SHARE = 0.8
_NO_REGULARITY = (0.0, 0)


@dataclass(frozen=True)
class Layout:
    """The delimiter and the header of a delimited file."""

    delimiter: str
    header_row: int
    """The header is the first row that is not blank from this line on, counted from 1; 0 if there is no header."""
    notes: tuple[str, ...] = ()


def detect_layout(path: Path, options: ReadOptions) -> Layout:
    """Return the layout of a file: the chosen options, and the rest as the first rows suggest.

    Lines above the table are left out only if they are too short to be part of it, and the first row is taken for data
    only if it looks exactly like the rows below it.
    """
    delimiters = _DELIMITERS if options.delimiter is None else (options.delimiter,)
    samples = {delimiter: list(sample_rows(path, delimiter)) for delimiter in delimiters}
    delimiter = max(delimiters, key=lambda candidate: _regularity(samples[candidate]))
    if options.header_row is not None:
        return Layout(delimiter, options.header_row)
    tables = {
        candidate: samples[candidate][title_rows:]
        for candidate in delimiters
        if (title_rows := _count_title_rows(samples[candidate]))
    }
    titled = max(tables, key=lambda candidate: _regularity(tables[candidate]), default=delimiter)
    if titled in tables and _regularity(tables[titled])[0] > _regularity(samples[delimiter])[0]:
        return _below_titles(titled, samples)
    if _lacks_header(samples[delimiter]):
        return Layout(delimiter, 0, ("The first row looks like the others, so the columns are named by their places.",))
    return Layout(delimiter, 1)


def _below_titles(delimiter: str, samples: Mapping[str, Sequence[Row]]) -> Layout:
    header = samples[delimiter][_count_title_rows(samples[delimiter])].line
    lines = "line above the header was" if header == 2 else f"{header - 1} lines above the header were"
    return Layout(delimiter, header, (f"The {lines} left out.",))


def _regularity(rows: Sequence[Row]) -> tuple[float, int]:
    """Return the share of rows as wide as the first, and its width; zeros for a single cell."""
    widths = [len(row.cells) for row in rows]
    return (widths.count(widths[0]) / len(widths), widths[0]) if widths and widths[0] > 1 else _NO_REGULARITY


def _count_title_rows(rows: Sequence[Row]) -> int:
    """Return the number of title rows, which are narrower than nearly all rows that follow."""
    widths = [len(row.cells) for row in rows]
    usual_width = max(set(widths), key=widths.count, default=0)
    title_rows = widths.index(usual_width) if usual_width > 1 else 0
    if not 0 < title_rows <= _MAX_TITLE_ROWS or max(widths[:title_rows]) > usual_width:
        return 0
    table, names = widths[title_rows:], [name.strip() for name in rows[title_rows].cells]
    has_names = all(names) and len(set(names)) == len(names) and not any(map(_NUMBER.fullmatch, names))
    is_regular = table.count(table[0]) >= _MIN_REGULAR_SHARE * len(table)
    return title_rows if is_regular and has_names and len(table) >= _MIN_TABLE_ROWS else 0


def _lacks_header(rows: Sequence[Row]) -> bool:
    """Return True if the first row looks like the rows below it.

    It has to have numbers where the others have numbers, and elsewhere only texts that occur again below.
    """
    if len(rows) < _MIN_TABLE_ROWS:
        return False
    first, *rest = [row.cells for row in rows]
    same_width = [row for row in rest if len(row) == len(first)]
    if len(first) < 2 or len(same_width) < _MIN_TABLE_ROWS - 1:
        return False
    columns = range(len(first))
    numeric = [column for column, cell in enumerate(first) if _NUMBER.fullmatch(cell)]
    if not numeric or all(_is_year(first[column]) for column in numeric):
        return False
    values_below = [{row[column] for row in same_width} for column in columns]
    if not all(all(not cell or _NUMBER.fullmatch(cell) for cell in values_below[column]) for column in numeric):
        return False
    return all(first[column] in values_below[column] for column in columns if column not in numeric)


def _is_year(cell: str) -> bool:
    text = cell.strip()
    return len(text) == 4 and text.isascii() and text.isdecimal() and int(text) in _YEARS
