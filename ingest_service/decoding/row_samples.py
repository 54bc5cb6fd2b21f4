"""The first rows of a delimited file, parted by one delimiter, and how much each of them looks like a header."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from ingest_service.decoding.cell_kinds import SPECIFIC, ColumnKinds, kind_of
from ingest_service.decoding.csv_rows import LooseRow

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 1000
"""Of a wider table, too wide to be accepted, the first columns are looked at; its header is the first row."""
MIN_TABLE_ROWS = 3
MIN_REGULAR_SHARE = 0.8
CERTAIN_HEADER = 0.3
DOUBT = 0.15
_YEARS = range(1800, 2200)
_ODD_BEGINNING = 0.6
"""What remains of the score of a delimiter that does not part the first row like the others."""


@dataclass(frozen=True)
class RowSample:
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
        cells = [cell for row in self.rows if len(row.cells) == self.usual_width for cell in row.cells[:MAX_COLUMNS]]
        others = [mark for mark in DELIMITERS if mark != self.delimiter]
        cleanness = sum(_cleanness(cell, others) for cell in cells) / len(cells)
        score = self.evenness * (1 - 1 / self.usual_width) * (0.2 + 0.8 * cleanness)
        return score if self.widths[0] == self.usual_width else _ODD_BEGINNING * score

    @property
    def is_beyond_doubt(self) -> bool:
        """True if all rows are in one width, and one of them looks like names or there are many columns.

        A character that separates seldom, such as the colon of a time, needs that.
        """
        is_even = len(set(self.widths)) == 1 and len(self.rows) > MIN_TABLE_ROWS and self.widths[0] <= MAX_COLUMNS
        return is_even and self.usual_width > 1 and self.evidence(0) >= CERTAIN_HEADER

    def below(self, index: int, width: int) -> list[Sequence[str]]:
        """Return the cells of the rows below a row that have a width."""
        return [row.cells for row in self.rows[index + 1 :] if len(row.cells) == width]

    def evidence(self, index: int) -> float:
        """Return how much a row looks like names above values, from -1 (one more row of values) to 1."""
        if index not in self._evidence:
            names, below = self.rows[index].cells, self.below(index, self.usual_width)
            # A header may stand there again, if it is one without doubt: values are repeated, too.
            evidence = self._weigh(names, [row for row in below if row != names])
            self._evidence[index] = evidence if evidence >= CERTAIN_HEADER else self._weigh(names, below)
        return self._evidence[index]

    def _weigh(self, names: Sequence[str], below: Sequence[Sequence[str]]) -> float:
        if len(below) < MIN_TABLE_ROWS - 1 or not names:
            return 0.0
        columns = [list(column) for column in zip(*below, strict=True)]
        if len(names) == self.usual_width - 1:  # either the rows have names, or they end with a separator
            return max(_weigh(names, columns[1:]), _weigh(names, columns[:-1]))
        return _weigh(names, columns)

    def has_row_names(self, index: int) -> bool:
        """Return True if the rows below a row have names, for which that row has none."""
        names, below = self.rows[index].cells, self.below(index, self.usual_width)
        if len(names) != self.usual_width - 1 or len(below) < MIN_REGULAR_SHARE * len(self.rows[index + 1 :]):
            return False
        columns = [list(column) for column in zip(*below, strict=True)]
        are_unique = len(set(columns[0])) == len(columns[0])
        is_open = any(cell.strip() for cell in columns[-1])
        are_counted = columns[0] == [str(number) for number in range(1, len(columns[0]) + 1)]
        advantage = _weigh(names, columns[1:]) - _weigh(names, columns[:-1])
        return are_unique and (is_open or advantage > (-DOUBT if are_counted else 0.0))


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
