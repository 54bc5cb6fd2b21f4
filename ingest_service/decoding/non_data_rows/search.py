"""Rows of a file that are not data: a repeated header, totals, averages, section headings and notes.

A row of totals is recognised by arithmetic (its numbers are the sums of the rows before or after it), by its label,
and by layout (it leaves cells empty that other rows fill). Two of the three are needed, so that a company called Total
and a row with gaps stay.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest_service.decoding.non_data_rows.block_sums import BlockSums, Match, NumericColumns, read_numbers
from ingest_service.decoding.non_data_rows.labels import LABEL_PATTERN, LabelKind, is_note, label_kind

REPEATED_HEADER = "the header again"
TOTALS_ROW = "a line of totals"
SUBTOTALS_ROW = "a line of subtotals"
AVERAGES_ROW = "a line of averages"
SECTION_HEADING = "a section heading"
NOTE = "a note"
NON_DATA_REASONS = (REPEATED_HEADER, TOTALS_ROW, SUBTOTALS_ROW, AVERAGES_ROW, SECTION_HEADING, NOTE)

MIN_SUMMED_ROWS = 2
"""A line of totals has at least so many rows beside it."""
_LABEL_COLUMNS = 2
_SEARCHED_ROWS = 250_000
_MAX_CELLS = 20_000_000
"""In larger tables the numbers are not added up, and only rows with gaps and an exact label are recognised."""
_MAX_CANDIDATES = 5_000
_MAX_SPARSE_SHARE = 0.34
"""Where more rows than these have few cells, or their first cell empty, that says nothing."""
_MAX_SPARSE_ROWS = 200
_FEW_ROWS = 5
_MAX_EMPTY_START_SHARE = 0.02
_USUALLY_FILLED = 0.9
_MIN_UNLABELLED_ROWS = 3
_MIN_NOTE_WORDS = 5

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NonDataRows:
    """The rows of a table that are not data, by index from 0, each with its role."""

    roles: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a person should know about rows that were left in."""


def find_non_data_rows(read_batches: Callable[[], Iterator[pa.RecordBatch]], header: Sequence[str]) -> NonDataRows:
    """Return the rows of a table of texts that are not data.

    Args:
        read_batches: Starts reading the table. It is read a second time, and then as a whole, only if the first time
            shows rows that may not be data.
        header: The names of the columns as they are in the file; empty if it has no header.
    """
    scan = _scan(read_batches(), header)
    filled, repeated = scan.filled, np.flatnonzero(scan.is_header)
    roles = {int(row): REPEATED_HEADER for row in repeated}
    if scan.width < 2 or len(filled) - len(repeated) <= MIN_SUMMED_ROWS:
        return NonDataRows(roles)
    may_be_total = scan.labelled | _at_the_end(filled)
    is_sparse: Bools = filled <= max(1, int(np.median(filled)) // 2)
    if is_sparse.mean() <= _MAX_SPARSE_SHARE and is_sparse.sum() <= _MAX_SPARSE_ROWS:
        may_be_total |= is_sparse
    if scan.starts_empty.sum() <= max(_FEW_ROWS, _MAX_EMPTY_START_SHARE * len(filled)):
        may_be_total |= scan.starts_empty
    candidates = np.flatnonzero(may_be_total & (filled > 0) & ~scan.is_header)
    if not len(candidates) or len(candidates) > _MAX_CANDIDATES:
        return NonDataRows(roles)
    table = pa.Table.from_batches(list(read_batches()))
    columns = [column.combine_chunks().cast(pa.string()) for column in table.columns]
    return _Finder(columns, candidates, roles).find()


@dataclass(frozen=True)
class _Scan:
    """What one pass over a table shows of each row."""

    labelled: Bools
    """One of its first cells may be a label."""
    filled: npt.NDArray[np.int32]
    """The number of its filled cells."""
    starts_empty: Bools
    """Its first cell is empty."""
    is_header: Bools
    """It repeats the header."""
    width: int


def _scan(batches: Iterator[pa.RecordBatch], header: Sequence[str]) -> _Scan:
    starts_empty, is_header, filled = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)], [np.zeros(0, np.int32)]
    search = _LabelSearch()
    width = 0
    for batch in batches:
        width = batch.num_columns
        valid = [column.is_valid().to_numpy(zero_copy_only=False) for column in batch.columns]
        filled.append(np.sum(valid, axis=0, dtype=np.int32))
        starts_empty.append(~valid[0])
        is_header.append(_repeats_header(batch, header))
        search.add(batch)
    return _Scan(
        labelled=search.finish(),
        filled=np.concatenate(filled),
        starts_empty=np.concatenate(starts_empty),
        is_header=np.concatenate(is_header),
        width=width,
    )


class _LabelSearch:
    """A search for labels in the first columns, many batches at once, because the pattern is slow to compile."""

    def __init__(self) -> None:
        self._pending: list[pa.Table] = []
        self._is_label = [np.zeros(0, np.bool_)]

    def add(self, batch: pa.RecordBatch) -> None:
        """Search a batch, or keep it until there are enough rows."""
        self._pending.append(pa.Table.from_batches([batch.select(range(min(_LABEL_COLUMNS, batch.num_columns)))]))
        if sum(table.num_rows for table in self._pending) >= _SEARCHED_ROWS:
            self._search()

    def finish(self) -> Bools:
        """Return, for every row, True if one of its first cells may be a label."""
        if self._pending:
            self._search()
        return np.concatenate(self._is_label)

    def _search(self) -> None:
        table = pa.concat_tables(self._pending).combine_chunks()
        cells = pa.concat_arrays([column.cast(pa.string()).chunk(0) for column in table.columns])
        matches = pc.match_substring_regex(pc.utf8_lower(cells), LABEL_PATTERN).fill_null(False)
        is_label: Bools = np.array(matches.to_numpy(zero_copy_only=False))
        for index in np.flatnonzero(is_label):
            is_label[index] = label_kind(cells[index].as_py())[0] is not None
        self._is_label.append(np.any(is_label.reshape(table.num_columns, -1), axis=0))
        self._pending = []


def _repeats_header(batch: pa.RecordBatch, header: Sequence[str]) -> Bools:
    repeats = np.full(batch.num_rows, len(header) > 1 and any(header), dtype=np.bool_)
    for column, name in zip(batch.columns, header, strict=False):
        if not repeats.any():
            break
        repeats &= pc.equal(column.cast(pa.string()).fill_null(""), name).to_numpy(zero_copy_only=False)
    return repeats


def _at_the_end(filled: npt.NDArray[np.int32]) -> Bools:
    """Return the last rows that fill a single cell: they may be notes."""
    single = filled <= 1
    is_last = np.zeros(len(filled), dtype=np.bool_)
    others = np.flatnonzero(~single)
    is_last[others[-1] + 1 if len(others) else len(filled) :] = True
    return is_last & single


@dataclass(frozen=True)
class _Candidate:
    """A row that may not be data."""

    row: int
    text: str
    """The first filled cell that is no number, or empty."""
    column: int
    """The column of that cell."""
    kind: LabelKind | None
    is_exact: bool
    has_gaps: bool
    """True if it leaves a cell empty that nearly all other rows fill."""
    only_numbers_beside: bool
    filled: int


class _Finder:
    """The search in a table that has candidates."""

    def __init__(self, columns: list[pa.Array], rows: npt.NDArray[np.intp], roles: dict[int, str]) -> None:
        self._columns = columns
        self._size = len(columns[0])
        self._is_data = np.ones(self._size, dtype=np.bool_)
        self._is_data[[*rows, *roles]] = False
        self._valid = np.column_stack([column.is_valid().to_numpy(zero_copy_only=False) for column in columns])
        data = self._valid[self._is_data]
        self._usual = data.mean(axis=0) >= _USUALLY_FILLED if len(data) else np.zeros(len(columns), dtype=np.bool_)
        self._candidates = [self._candidate(int(row)) for row in rows]
        self._headers = roles
        self._roles: dict[int, str] = {}
        self._levels: set[str] = set()

    def find(self) -> NonDataRows:
        """Return the rows that are not data."""
        self._find_notes()
        self._find_totals()
        self._find_sections()
        return NonDataRows(self._headers | self._roles, self._level_notes())

    def _candidate(self, row: int) -> _Candidate:
        cells = [(index, self._columns[index][row].as_py()) for index in np.flatnonzero(self._valid[row])]
        texts = [(index, text) for index, text in cells if not any(character.isdigit() for character in text)]
        labels = [(index, text) for index, text in texts if label_kind(text)[0]] or texts or cells[:1]
        column, text = labels[0] if labels else (0, "")
        kind, is_exact = label_kind(text)
        return _Candidate(
            row=row,
            text=text,
            column=int(column),
            kind=kind,
            is_exact=is_exact,
            has_gaps=bool((self._usual & ~self._valid[row]).any()) or 2 * len(cells) <= len(self._columns),
            only_numbers_beside=len(texts) <= 1 and len(cells) > 1,
            filled=len(cells),
        )

    def _find_notes(self) -> None:
        """Set aside the notes below the table."""
        for candidate in reversed(self._candidates):
            is_last = candidate.row == self._size - 1 - sum(role == NOTE for role in self._roles.values())
            if not is_last or candidate.filled > 1 or len(self._columns) < 3 or not self._reads_as_note(candidate):
                break
            self._roles[candidate.row] = NOTE

    def _reads_as_note(self, candidate: _Candidate) -> bool:
        if is_note(candidate.text):
            return True
        others = self._columns[candidate.column].filter(pa.array(self._is_data))
        longest = pc.max(pc.utf8_length(others)).as_py() or 0
        return len(candidate.text.split()) >= _MIN_NOTE_WORDS and len(candidate.text) > longest

    def _find_totals(self) -> None:
        if self._size * len(self._columns) > _MAX_CELLS:
            readings: list[NumericColumns] = []
        else:
            readings = read_numbers(self._columns, self._is_data)
        best: dict[int, str] = {}
        for reading in readings:
            matches = self._match_totals(reading)
            best = max(best, matches, key=len)
        self._roles.update(best)
        for candidate in self._candidates:
            is_bare_total = candidate.is_exact and candidate.has_gaps and candidate.only_numbers_beside
            if is_bare_total and candidate.row >= MIN_SUMMED_ROWS and 2 * candidate.filled <= len(self._columns) + 1:
                role = AVERAGES_ROW if candidate.kind == "average" else TOTALS_ROW
                self._roles.setdefault(candidate.row, role)

    def _match_totals(self, columns: NumericColumns) -> dict[int, str]:
        """Return the totals below their rows, then those above their rows."""
        matches: dict[int, str] = {}
        sums = BlockSums(columns)
        for candidate in self._candidates:
            if candidate.row in self._roles:
                sums.remove(candidate.row)
            elif role := self._total_role(candidate, sums.match(candidate.row)):
                matches[candidate.row] = role
                sums.remove(candidate.row)
        backward, last = BlockSums(columns.reversed()), self._size - 1
        for candidate in reversed(self._candidates):
            row = candidate.row
            if row in self._roles or row in matches:
                backward.remove(last - row)
            elif candidate.kind and (role := self._total_role(candidate, backward.match(last - row))):
                matches[row] = role
                backward.remove(last - row)
        return matches

    def _total_role(self, candidate: _Candidate, match: Match) -> str | None:
        """Return the role of a row by its label, its gaps and its sums, or None."""
        if match.rows < MIN_SUMMED_ROWS:
            return None
        if candidate.kind == "average":
            agrees = 2 * match.means >= match.filled if candidate.is_exact else match.means == match.filled >= 2
            # Of a single number among texts any row may happen to be the mean.
            agrees = agrees and (match.means >= 2 or candidate.has_gaps or candidate.only_numbers_beside)
            return AVERAGES_ROW if agrees and (candidate.has_gaps or not self._is_level(candidate)) else None
        if 2 * match.sums < match.filled:
            return None
        is_labelled = candidate.kind is not None and (candidate.is_exact or candidate.has_gaps)
        if not is_labelled and not _is_certainly_sum(candidate, match):
            return None
        if candidate.kind and not candidate.has_gaps and self._is_level(candidate):
            self._levels.add(candidate.text)
            return None
        return TOTALS_ROW if match.is_whole and not self._data_below(candidate.row) else SUBTOTALS_ROW

    def _is_level(self, candidate: _Candidate) -> bool:
        """Return True if a label is a value of its column like others: "Total" beside "men" and "women"."""
        counts = pc.value_counts(self._columns[candidate.column])
        by_text = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
        own = by_text.pop(candidate.text, 0)
        others = [count for text, count in by_text.items() if text is not None and label_kind(text)[0] is None]
        return own > 1 and bool(others) and float(np.median(others)) > own / 2

    def _data_below(self, row: int) -> bool:
        return bool(self._is_data[row + 1 :].any())

    def _find_sections(self) -> None:
        """Set aside headings that stand alone in their rows above the rows that they name."""
        if len(self._columns) < 3:
            return
        total_texts = [c.text.casefold() for c in self._candidates if c.row in self._roles and c.kind]
        for candidate in self._candidates:
            text = candidate.text.casefold().strip().strip(":")
            if candidate.filled > 1 or candidate.row in self._roles or not text or not self._data_below(candidate.row):
                continue
            is_named = any(text in total for total in total_texts)
            if is_named or candidate.text.rstrip().endswith((":", "：")) or self._is_foreign(candidate):
                self._roles[candidate.row] = SECTION_HEADING

    def _is_foreign(self, candidate: _Candidate) -> bool:
        """Return True if a text stands in a column of numbers."""
        if any(character.isdigit() for character in candidate.text):
            return False
        others = self._columns[candidate.column].filter(pa.array(self._is_data)).drop_null()
        has_digit = pc.match_substring_regex(others, r"^\s*[+-]?[\d.,]*\d\s*$")
        return len(others) > MIN_SUMMED_ROWS and bool(pc.all(has_digit).as_py())

    def _level_notes(self) -> tuple[str, ...]:
        if not self._levels:
            return ()
        texts = ", ".join(f"“{text}”" for text in sorted(self._levels)[:3])
        return (
            f"Rows of {texts} are sums of other rows; they were left in, since they are as complete as the others.",
        )


def _is_certainly_sum(candidate: _Candidate, match: Match) -> bool:
    """Return True if a row can hardly be anything but a sum, though its label or its gaps do not say so."""
    if match.sums < match.filled or not (candidate.kind or candidate.has_gaps):
        return False
    is_long_enough = candidate.kind is not None or match.rows >= _MIN_UNLABELLED_ROWS
    return is_long_enough and (match.sums >= 2 or (match.exceeds_data and match.rows > _MIN_UNLABELLED_ROWS))
