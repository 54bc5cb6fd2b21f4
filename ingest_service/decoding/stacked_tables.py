"""Several tables below each other, parted by blank rows or by their headers, of which one is read."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from ingest_service.decoding.cell_kinds import SPECIFIC, ColumnKinds, kind_of
from ingest_service.decoding.csv_rows import HEADER_BYTES, LooseRow, csv_writer, read_rows_loosely
from ingest_service.decoding.header_detection import sample_file
from ingest_service.decoding.header_rows import is_group_row
from ingest_service.decoding.row_samples import MIN_REGULAR_SHARE, RowSample
from shared.contracts.run_options import ReadOptions

_MAX_BYTES = 1 << 22
"""Larger files hold one table: what has several was made for people."""
_SAMPLE_ROWS = 200
_CLEAR_HEADER = 0.1
_MIN_ROWS = 2
_FIRST_ROWS = 5
_MAX_BLOCKS = 200
"""With more gaps between its rows, a file holds one table."""
_NAME = re.compile(r"[^\W\d_][\w .,:%()/°-]*")
_NO_NAMES = frozenset(("na", "nan", "n/a", "nd", "none", "null", "missing", "unknown", "tba"))
_MAX_TABLES = 50
_MAX_NAMED = 3
_BLANK_LINE = re.compile(r'\n[\s,;|"\']*\r?\n')


@dataclass
class StackedTable:
    """One of several tables, by its rows."""

    rows: list[LooseRow]
    """The rows with all above the header that is no table."""
    header: int
    """The index of the header among the rows."""
    width: int

    @property
    def names(self) -> list[str]:
        """The cells of the header."""
        return [cell.strip() for cell in self.rows[self.header].cells[: self.width]]

    @property
    def body(self) -> list[LooseRow]:
        """The rows from the header on, with the groups of columns above it."""
        above = self.header and is_group_row(self.rows[self.header - 1].cells, self.rows[self.header].cells)
        return self.rows[self.header - bool(above) :]

    @property
    def size(self) -> int:
        """The number of cells below the header."""
        return (len(self.rows) - self.header - 1) * self.width

    def has_line(self, line: int) -> bool:
        """Return True if a line lies within the table."""
        return self.rows[0].line <= line <= self.rows[-1].line


def find_stacked(rows: Sequence[LooseRow]) -> list[StackedTable]:
    """Return the tables below each other, each with a clear header of other names than the table above.

    What is between blank rows, has no such header and is no wider is a part of the table above; what stands above the
    first table belongs to it. None is returned where that would hide more than a title or a few notes.
    """
    tables: list[StackedTable] = []
    above: list[LooseRow] = []
    blocks = list(_blocks(rows))
    for block in blocks if len(blocks) <= _MAX_BLOCKS else ():
        table = _as_table(block)
        if table is not None and (not tables or _is_another(table, tables[-1])):
            if not tables:
                table = StackedTable([*above, *block], len(above) + table.header, table.width)
            tables.append(table)
        elif not tables:
            above.extend(block)
        elif max(map(_filled_width, block)) <= tables[-1].width:
            tables[-1].rows.extend(block)
        else:
            return []
    largest = max((table.size for table in tables), default=0)
    return tables if sum(map(_filled_width, above)) <= largest else []


def _is_another(table: StackedTable, previous: StackedTable) -> bool:
    """Return True if a table is not more rows of the one above, the first of which looks like a header."""
    if table.names == previous.names:
        return False
    if table.width != previous.width:
        return True
    named = 0
    body = previous.rows[previous.header + 1 : previous.header + _SAMPLE_ROWS]
    for position, name in enumerate(table.names):
        cells = [row.cells[position] for row in body if position < len(row.cells) and row.cells[position].strip()]
        if name in {cell.strip() for cell in cells}:
            return False
        if cells and ColumnKinds(cells).is_uniform:
            is_name = _NAME.fullmatch(name) is not None and name.casefold() not in _NO_NAMES
            named += 1 if is_name else -1
    return named > 0


def keep_one_table(
    path: Path, options: ReadOptions, ignored: frozenset[int] = frozenset()
) -> tuple[Path, tuple[str, ...]]:
    """Choose one of several tables in a UTF-8 file: that of the header that was asked for, or the largest.

    Args:
        path: the file.
        options: what was asked for; a file without a header has one table.
        ignored: blank lines that part nothing.

    Returns:
        A file with that table alone, in the same lines, and a note that lists the others; the file itself and no note
        if it holds one table.
    """
    if path.stat().st_size > _MAX_BYTES or options.header_row == 0:
        return path, ()
    text, sample = path.read_text(encoding="utf-8"), sample_file(path, options.delimiter)
    delimiter = sample.delimiter
    blank_lines = len(_BLANK_LINE.findall(text))
    if blank_lines > _MAX_BLOCKS or not (blank_lines or _repeats_a_name(text, sample)):
        return path, ()
    rows = read_rows_loosely(path, delimiter, width=-1, start=0)
    tables = find_stacked([row for row in rows if row.line not in ignored])
    if len(tables) < 2:
        return path, ()
    asked = [table for table in tables if options.header_row and table.has_line(options.header_row)]
    table = asked[0] if asked else max(tables, key=lambda table: table.size)
    if table.body[0].line > HEADER_BYTES:
        return path, ()
    kept = path.with_name(f"{path.name}.one")
    with kept.open("w", encoding="utf-8", newline="") as target:
        target.writelines(_lines(table, delimiter))
    return kept, (_tables_note(table, tables, is_asked=bool(asked)),)


def _repeats_a_name(text: str, sample: RowSample) -> bool:
    """Return True if a later line begins like the first that may be a header."""
    candidates = (row.cells for row in sample.rows[:_FIRST_ROWS] if len(_filled(row)) > 1)
    first = next(candidates, [""])[0]
    return bool(first.strip()) and f"\n{first}{sample.delimiter}" in text


def _blocks(rows: Sequence[LooseRow]) -> Iterator[list[LooseRow]]:
    for is_filled, block in groupby(rows, key=lambda row: any(cell.strip() for cell in row.cells)):
        if is_filled:
            yield from _part_at_headers(list(block))


def _part_at_headers(block: list[LooseRow]) -> Iterator[list[LooseRow]]:
    """Yield the rows of a block, anew from each row on that has the names of the header and more, or some of them."""
    names = next((cells for row in block[:_FIRST_ROWS] if len(cells := _filled(row)) > 1), [])
    starts = [index for index, row in enumerate(block) if _is_other_header(row, names)][:_MAX_TABLES]
    for start, end in pairwise([0, *starts, len(block)]):
        yield block[start:end]


def _filled(row: LooseRow) -> list[str]:
    return [cell.strip() for cell in row.cells if cell.strip()]


def _is_other_header(row: LooseRow, names: Sequence[str]) -> bool:
    cells = _filled(row)
    shared = len(set(cells) & set(names))
    is_similar = shared >= max(2, len(names) / 2, len(cells) / 2) and cells != names and len(set(cells)) == len(cells)
    return is_similar and not any(kind_of(cell) in SPECIFIC for cell in cells)


def _as_table(block: list[LooseRow]) -> StackedTable | None:
    """Return the table of rows without a blank one between them, or None if they have no clear header."""
    usual, _ = Counter(len(row.cells) for row in block).most_common(1)[0]
    width = max(_filled_width(row) for row in block if len(row.cells) == usual)
    header = next(index for index, row in enumerate(block) if 2 * _filled_width(row) > width)
    below = [row._replace(cells=row.cells[:width]) for row in block[header : header + _SAMPLE_ROWS]]
    sample = RowSample("", below)
    names = [cell.strip() for cell in below[0].cells]
    is_named = len(names) == width and all(names[1:]) and len(set(names)) == width
    if width < 2 or len(below) <= _MIN_ROWS or not is_named or sample.evenness < MIN_REGULAR_SHARE:
        return None
    return StackedTable(block, header, width) if sample.evidence(0) >= _CLEAR_HEADER else None


def _filled_width(row: LooseRow) -> int:
    return max((position for position, cell in enumerate(row.cells, 1) if cell.strip()), default=0)


def _lines(table: StackedTable, delimiter: str) -> Iterator[str]:
    """Yield the rows as they are in the file; cells that are empty in all rows, behind the last name, are cut off."""
    is_padded = all(len(row.cells) > table.width >= _filled_width(row) for row in table.body)
    line = 1
    for row in table.body:
        yield "\n" * (row.line - line)
        yield _line(row.cells[: table.width], delimiter) if is_padded else row.text
        line = row.line + row.text.count("\n")


def _line(cells: Sequence[str], delimiter: str) -> str:
    file = io.StringIO()
    csv_writer(file, delimiter).writerow(cells)
    return file.getvalue()


def _tables_note(chosen: StackedTable, tables: Sequence[StackedTable], *, is_asked: bool) -> str:
    others = [table for table in tables if table is not chosen]
    listed = ", ".join(f"line {table.rows[table.header].line} ({_named(table)})" for table in others[:_MAX_NAMED])
    more = f" and {len(others) - _MAX_NAMED} more" if len(others) > _MAX_NAMED else ""
    which = "that of header_row was read" if is_asked else "the largest was read"
    begin = "Another begins in" if len(others) == 1 else "Others begin in"
    return (
        f"The file holds {len(tables)} tables below each other; {which}, whose header is in line "
        f"{chosen.rows[chosen.header].line}. {begin} {listed}{more}; header_row= chooses."
    )


def _named(table: StackedTable) -> str:
    names = ", ".join(table.names[:_MAX_NAMED])
    return f"{names}, …" if len(table.names) > _MAX_NAMED else names
