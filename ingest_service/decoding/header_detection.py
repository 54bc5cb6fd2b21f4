"""Detection of the delimiter and the header of a delimited file by its first rows.

Every delimiter and every row that may be the header is scored: by how even the rows are, by how much the cells look
like values, and by how much the header differs from what stands below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest_service.decoding.csv_rows import LooseRow, sample_rows
from ingest_service.decoding.header_rows import group_names, is_group_row, is_unit_row, join_names
from ingest_service.decoding.row_samples import (
    DELIMITERS,
    DOUBT,
    MAX_COLUMNS,
    MIN_REGULAR_SHARE,
    MIN_TABLE_ROWS,
    RowSample,
)
from shared.contracts.run_options import ReadOptions

_RARE_DELIMITERS = ("^", "~", ":", "\x1f", "\x01")
_HEAD_CHARACTERS = 1 << 16
"""A delimiter occurs within so many characters."""
_MAX_TITLE_ROWS = 20
_MIN_EVEN_SHARE = 0.95
"""A header of another width is mended if at least this share of the rows below it have one width."""
NO_HEADER = -0.25
"""A row whose evidence is below looks like the rows below it."""
_CLEAR_HEADER = 0.1


@dataclass(frozen=True)
class Layout:
    """The delimiter and the header of a delimited file."""

    delimiter: str
    header_row: int
    """The header is the first row that is not blank from this line on, counted from 1; 0 if there is no header."""
    names: Sequence[str] | None = None
    """The names of the columns, where they are not just the cells of the header."""
    first_line: int = 0
    """The line from which on a row that is not blank is the first of the table; that after the header if 0."""
    notes: tuple[str, ...] = ()


def detect_layout(path: Path, options: ReadOptions) -> Layout:
    """Return the layout of a file: the chosen options, and the rest as the first rows suggest."""
    sample = sample_file(path, options.delimiter)
    if options.header_row is not None:
        return Layout(sample.delimiter, options.header_row)
    return find_header(sample)


def sample_file(path: Path, delimiter: str | None) -> RowSample:
    """Return the first rows of a file, parted by a delimiter, or by the one that fits best."""
    if delimiter is not None:
        return RowSample(delimiter, list(sample_rows(path, delimiter)))
    with path.open(encoding="utf-8") as file:
        head = file.read(_HEAD_CHARACTERS)
    usual = [RowSample(mark, list(sample_rows(path, mark))) for mark in DELIMITERS if mark in head or mark == ","]
    rare = [RowSample(mark, list(sample_rows(path, mark))) for mark in _RARE_DELIMITERS if mark in head]
    return max((*usual, *(sample for sample in rare if sample.is_beyond_doubt)), key=lambda sample: sample.score)


def find_header(sample: RowSample) -> Layout:
    """Return the layout with the row that is the header, or with none."""
    if not sample.rows or max(sample.widths) > MAX_COLUMNS:
        return Layout(sample.delimiter, 1)
    index = _skip_titles(sample)
    sample, mended = _mend_header(sample, index)
    row = sample.rows[index]
    if sample.evidence(index) < NO_HEADER:
        note = "The first row looks like the others, so the columns are named by their places."
        above = _titles_note(row.line) if index else ()
        return Layout(sample.delimiter, 0, first_line=row.line, notes=(*above, note))
    names, notes = list(row.cells), [*(_titles_note(row.line) if index else ()), *mended]
    first_line = 0
    if index and is_group_row(sample.rows[index - 1].cells, names):
        names = join_names(group_names(sample.rows[index - 1].cells), names)
        notes = [*(_titles_note(sample.rows[index - 1].line) if index > 1 else ()), _joined_note("two rows")]
    if is_unit_row([row.cells for row in sample.rows[index + 1 :]], len(names)):
        names = join_names(names, sample.rows[index + 1].cells)
        first_line = sample.rows[index + 1].line + 1
        notes.append(_joined_note("a row and the units below it"))
    if sample.has_row_names(index):
        names = ["", *names]
    if sample.evidence(index) < DOUBT and len(sample.below(index, sample.usual_width)) >= MIN_TABLE_ROWS:
        notes.append(
            f"Whether line {row.line} has the names of the columns is doubtful; header_row=0 reads it as data."
        )
    changed = names if mended or names != list(row.cells) else None
    return Layout(sample.delimiter, row.line, names=changed, first_line=first_line, notes=tuple(notes))


def _mend_header(sample: RowSample, index: int) -> tuple[RowSample, tuple[str, ...]]:
    """Return the sample with the header in the width of the rows below it, if one way leads there, and a note then."""
    row, width = sample.rows[index], sample.usual_width
    rows_below = len(sample.rows) - index - 1
    is_even = len(sample.below(index, width)) >= max(MIN_TABLE_ROWS, _MIN_EVEN_SHARE * rows_below)
    if len(row.cells) == width or not is_even:
        return sample, ()
    names = [cell for cell in row.cells if cell.strip()]
    if len(names) == width < len(row.cells):
        note = "An empty name was left out of the header, because the rows have no cell for it."
    elif sample.delimiter and '"' in row.text:
        names = [cell.strip().strip('"') for cell in row.text.rstrip("\r\n").split(sample.delimiter)]
        note = "Quotes were left out of the header, because they are not paired."
    if len(names) != width or not all(names):
        return sample, ()
    rows = [*sample.rows[:index], row._replace(cells=names), *sample.rows[index + 1 :]]
    return RowSample(sample.delimiter, rows), (note,)


def _skip_titles(sample: RowSample) -> int:
    """Return the index of the first row that is as wide and as full as the table, or 0."""
    usual = sample.usual_width
    if usual < 2 or sample.evenness < MIN_REGULAR_SHARE - len(_leading_titles(sample)) / len(sample.rows):
        return 0
    index = len(_leading_titles(sample))
    if index in (0, len(sample.rows)) or index > _MAX_TITLE_ROWS:
        return 0
    below = sample.below(index, usual)
    if len(below) < MIN_TABLE_ROWS - 1 or len(below) < MIN_REGULAR_SHARE * len(sample.rows[index + 1 :]):
        return 0
    names = [name.strip() for name in sample.rows[index].cells]
    has_names = all(names) and len(set(names)) == len(names) and sample.evidence(index) >= NO_HEADER
    # The first row may be the header of rows that have names or end with a separator, or of rows that are cut off.
    first = sample.rows[0].cells
    may_be_header = len(first) == usual + 1 or sample.has_row_names(0)
    is_header = may_be_header and max(sample.evidence(index), _CLEAR_HEADER) < sample.evidence(0)
    is_header = is_header and sample.evidence(index) < _CLEAR_HEADER
    if is_header or not (has_names or sample.evidence(index) >= _CLEAR_HEADER):
        return 0
    return index


def _leading_titles(sample: RowSample) -> list[LooseRow]:
    """Return the rows above the first that is as wide as the table and not nearly empty."""
    titles: list[LooseRow] = []
    for position, row in enumerate(sample.rows):
        following = sample.rows[position + 1].cells if position + 1 < len(sample.rows) else []
        is_full = not _is_sparse(row.cells) and not is_group_row(row.cells, following)
        if len(row.cells) == sample.usual_width and is_full:
            break
        titles.append(row)
    return titles


def _is_sparse(cells: Sequence[str]) -> bool:
    """Return True for a row that is nearly empty, as that of a title is in a sheet saved as text."""
    filled = [position for position, cell in enumerate(cells) if cell.strip()]
    if len(cells) == 2:
        return filled in ([], [0])  # a name is rather missing above the names of rows, at the beginning
    return len(filled) <= max(1, len(cells) // 3)


def _titles_note(header: int) -> tuple[str, ...]:
    if header < 2:
        return ()
    lines = "line above the header was" if header == 2 else f"{header - 1} lines above the header were"
    return (f"The {lines} left out.",)


def _joined_note(what: str) -> str:
    return f"The names of the columns are those of {what}, joined."
