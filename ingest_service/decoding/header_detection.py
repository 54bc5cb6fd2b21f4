"""Detection of the delimiter and the header of a delimited file by its first rows.

Every delimiter and every row that may be the header is scored: by how even the rows are, by how much the cells look
like values, and by how much the header differs from what stands below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ingest_service.decoding.cell_kinds import SPECIFIC, ColumnKinds, kind_of
from ingest_service.decoding.csv_rows import LooseRow, sample_rows
from ingest_service.decoding.header_rows import group_names, is_group_row, is_unit_row, join_names
from shared.contracts.run_options import ReadOptions

_DELIMITERS = (",", ";", "\t", "|")
_RARE_DELIMITERS = ("^", "~", ":", "\x1f", "\x01")
_HEAD_CHARACTERS = 1 << 16
"""A delimiter occurs within so many characters."""
_MOST_COLUMNS = 1000
"""Of a wider table, too wide to be accepted, the first columns are looked at; its header is the first row."""
_YEARS = range(1800, 2200)
_MAX_TITLE_ROWS = 20
_MIN_TABLE_ROWS = 3
_MIN_REGULAR_SHARE = 0.8
_NO_HEADER = -0.25
"""A row whose evidence is below looks like the rows below it."""
_CLEAR_HEADER = 0.1
_CERTAIN_HEADER = 0.3
_DOUBT = 0.15
_ODD_BEGINNING = 0.6
"""What remains of the score of a delimiter that does not part the first row like the others."""


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
    if options.delimiter is not None:
        sample = _Sample(options.delimiter, list(sample_rows(path, options.delimiter)))
    else:
        sample = _choose_delimiter(path)
    if options.header_row is not None:
        return Layout(sample.delimiter, options.header_row)
    return _find_header(sample)


def _choose_delimiter(path: Path) -> "_Sample":
    with path.open(encoding="utf-8") as file:
        head = file.read(_HEAD_CHARACTERS)
    usual = [_Sample(mark, list(sample_rows(path, mark))) for mark in _DELIMITERS if mark in head or mark == ","]
    rare = [_Sample(mark, list(sample_rows(path, mark))) for mark in _RARE_DELIMITERS if mark in head]
    return max((*usual, *(sample for sample in rare if sample.is_beyond_doubt)), key=lambda sample: sample.score)


@dataclass(frozen=True)
class _Sample:
    """The first rows of a file, parted by one delimiter."""

    delimiter: str
    rows: Sequence[LooseRow]
    _evidence: dict[int, float] = field(default_factory=dict)

    @cached_property
    def widths(self) -> list[int]:
        """The numbers of cells."""
        return [len(row.cells) for row in self.rows]

    @cached_property
    def usual_width(self) -> int:
        """The most frequent number of cells; of equally frequent ones, that which comes first."""
        return max(self.widths, key=self.widths.count, default=0)

    @cached_property
    def evenness(self) -> float:
        """The share of rows in the usual width."""
        return self.widths.count(self.usual_width) / len(self.rows) if self.rows else 0.0

    @cached_property
    def score(self) -> float:
        """How well the delimiter parts the rows: evenness, width, and cells that look like values; 0 if not at all.

        Source: the idea is that of van den Burg, Nazábal and Sutton, Wrangling messy CSV files (2019).
        """
        if self.usual_width < 2:
            return 0.0
        cells = [cell for row in self.rows if len(row.cells) == self.usual_width for cell in row.cells[:_MOST_COLUMNS]]
        others = [mark for mark in _DELIMITERS if mark != self.delimiter]
        cleanness = sum(_cleanness(cell, others) for cell in cells) / len(cells)
        score = self.evenness * (1 - 1 / self.usual_width) * (0.2 + 0.8 * cleanness)
        return score if self.widths[0] == self.usual_width else _ODD_BEGINNING * score

    @property
    def is_beyond_doubt(self) -> bool:
        """True if all rows are in one width, and one of them looks like names or there are many columns.

        A character that separates seldom, such as the colon of a time, needs that.
        """
        is_even = len(set(self.widths)) == 1 and len(self.rows) > _MIN_TABLE_ROWS and self.widths[0] <= _MOST_COLUMNS
        return is_even and self.usual_width > 1 and self.evidence(0) >= _CERTAIN_HEADER

    def below(self, index: int, width: int) -> list[Sequence[str]]:
        """Return the cells of the rows below a row that have a width."""
        return [row.cells for row in self.rows[index + 1 :] if len(row.cells) == width]

    def evidence(self, index: int) -> float:
        """Return how much a row looks like names above values, from -1 (one more row of values) to 1."""
        if index not in self._evidence:
            names, below = self.rows[index].cells, self.below(index, self.usual_width)
            # A header may stand there again, if it is one without doubt: values are repeated, too.
            evidence = self._weigh(names, [row for row in below if row != names])
            self._evidence[index] = evidence if evidence >= _CERTAIN_HEADER else self._weigh(names, below)
        return self._evidence[index]

    def _weigh(self, names: Sequence[str], below: Sequence[Sequence[str]]) -> float:
        if len(below) < _MIN_TABLE_ROWS - 1 or not names:
            return 0.0
        columns = [list(column) for column in zip(*below, strict=True)]
        if len(names) == self.usual_width - 1:  # either the rows have names, or they end with a separator
            return max(_weigh(names, columns[1:]), _weigh(names, columns[:-1]))
        return _weigh(names, columns)

    def has_row_names(self, index: int) -> bool:
        """Return True if the rows below a row have names, for which that row has none."""
        names, below = self.rows[index].cells, self.below(index, self.usual_width)
        if len(names) != self.usual_width - 1 or len(below) < _MIN_REGULAR_SHARE * len(self.rows[index + 1 :]):
            return False
        columns = [list(column) for column in zip(*below, strict=True)]
        are_unique = len(set(columns[0])) == len(columns[0])
        is_open = any(cell.strip() for cell in columns[-1])
        are_counted = columns[0] == [str(number) for number in range(1, len(columns[0]) + 1)]
        advantage = _weigh(names, columns[1:]) - _weigh(names, columns[:-1])
        return are_unique and (is_open or advantage > (-_DOUBT if are_counted else 0.0))


def _cleanness(cell: str, others: Sequence[str]) -> float:
    if kind_of(cell) in SPECIFIC:
        return 1.0
    return 0.0 if any(mark in cell for mark in others) else 0.6


def _weigh(names: Sequence[str], columns: Sequence[Sequence[str]]) -> float:
    """Return how much names look like names of the columns below them, from -1 to 1."""
    has_series = _is_series(names)
    votes = [_vote(name, column, is_in_series=has_series) for name, column in zip(names, columns, strict=False)]
    return sum(votes) / len(votes)


def _vote(name: str, column: Sequence[str], *, is_in_series: bool) -> float:
    """Return what a cell above a column says: 1 for a name, -1 for one more value, 0 for nothing."""
    if not name.strip():
        return -0.25
    kinds, kind = ColumnKinds(column), kind_of(name)
    if kinds.is_uniform:
        if kind not in SPECIFIC:
            return 1.0
        return 0.0 if is_in_series and kind == "integer" else -1.0
    if name.strip() in {cell.strip() for cell in column}:
        return -1.0
    if kind in SPECIFIC:
        return 0.0
    return 0.3 if kinds.levels or len(set(column)) * 2 <= len(column) else 0.0


def _is_series(names: Sequence[str]) -> bool:
    """Return True if the numbers among names are years, or count up."""
    numbers = [int(name) for name in names if kind_of(name) == "integer"]
    if all(number in _YEARS for number in numbers) and len(set(numbers)) == len(numbers):
        return True
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) > 1 and steps == {1}


def _find_header(sample: _Sample) -> Layout:
    """Return the layout with the row that is the header, or with none."""
    if not sample.rows or max(sample.widths) > _MOST_COLUMNS:
        return Layout(sample.delimiter, 1)
    index = _skip_titles(sample)
    row = sample.rows[index]
    if sample.evidence(index) < _NO_HEADER:
        note = "The first row looks like the others, so the columns are named by their places."
        above = _titles_note(row.line) if index else ()
        return Layout(sample.delimiter, 0, first_line=row.line, notes=(*above, note))
    names, notes = list(row.cells), [*(_titles_note(row.line) if index else ())]
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
    if sample.evidence(index) < _DOUBT and len(sample.below(index, sample.usual_width)) >= _MIN_TABLE_ROWS:
        notes.append(
            f"Whether line {row.line} has the names of the columns is doubtful; header_row=0 reads it as data."
        )
    changed = names if names != list(row.cells) else None
    return Layout(sample.delimiter, row.line, names=changed, first_line=first_line, notes=tuple(notes))


def _skip_titles(sample: _Sample) -> int:
    """Return the index of the first row that is as wide and as full as the table, or 0."""
    usual = sample.usual_width
    if usual < 2 or sample.evenness < _MIN_REGULAR_SHARE - len(_leading_titles(sample)) / len(sample.rows):
        return 0
    index = len(_leading_titles(sample))
    if index in (0, len(sample.rows)) or index > _MAX_TITLE_ROWS:
        return 0
    below = sample.below(index, usual)
    if len(below) < _MIN_TABLE_ROWS - 1 or len(below) < _MIN_REGULAR_SHARE * len(sample.rows[index + 1 :]):
        return 0
    names = [name.strip() for name in sample.rows[index].cells]
    has_names = all(names) and len(set(names)) == len(names) and sample.evidence(index) >= _NO_HEADER
    # The first row may be the header of rows that have names or end with a separator, or of rows that are cut off.
    first = sample.rows[0].cells
    may_be_header = len(first) == usual + 1 or sample.has_row_names(0)
    is_header = may_be_header and max(sample.evidence(index), _CLEAR_HEADER) < sample.evidence(0)
    is_header = is_header and sample.evidence(index) < _CLEAR_HEADER
    if is_header or not (has_names or sample.evidence(index) >= _CLEAR_HEADER):
        return 0
    return index


def _leading_titles(sample: _Sample) -> list[LooseRow]:
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
