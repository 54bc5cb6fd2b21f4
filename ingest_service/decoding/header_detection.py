"""Where the cells of a delimited file part, and where its header is, judged by its first rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest_service.decoding.csv_rows import Row, sample_rows
from shared.contracts.run_options import ReadOptions

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_YEARS = range(1800, 2200)
_MOST_TITLES = 20
_FEWEST_TABLE_ROWS = 3
_TABLE_SHARE = 0.8
_UNEVEN = (0.0, 0)


@dataclass(frozen=True)
class Layout:
    """How a delimited file is laid out."""

    delimiter: str
    header_row: int
    """The line from which on the first row that is not blank holds the names, from 1; 0 where no row does."""
    notes: tuple[str, ...] = ()


def sniff_layout(path: Path, options: ReadOptions) -> Layout:
    """What was chosen, and for the rest what the first rows show.

    Lines above the table are left out only where they are too short to be a part of it, and a first row is taken for
    data only where it looks exactly like the rows below it.
    """
    delimiters = _DELIMITERS if options.delimiter is None else (options.delimiter,)
    samples = {delimiter: list(sample_rows(path, delimiter)) for delimiter in delimiters}
    delimiter = max(delimiters, key=lambda one: _evenness(samples[one]))
    if options.header_row is not None:
        return Layout(delimiter, options.header_row)
    below = {one: samples[one][titles:] for one in delimiters if (titles := _titles(samples[one]))}
    titled = max(below, key=lambda one: _evenness(below[one]), default=delimiter)
    if titled in below and _evenness(below[titled])[0] > _evenness(samples[delimiter])[0]:
        return _below_titles(titled, samples)
    if _lacks_header(samples[delimiter]):
        return Layout(delimiter, 0, ("The first row looks like the others, so the columns are named by their places.",))
    return Layout(delimiter, 1)


def _below_titles(delimiter: str, samples: Mapping[str, Sequence[Row]]) -> Layout:
    header = samples[delimiter][_titles(samples[delimiter])].line
    what = "line above the header was" if header == 2 else f"{header - 1} lines above the header were"
    return Layout(delimiter, header, (f"The {what} left out.",))


def _evenness(rows: Sequence[Row]) -> tuple[float, int]:
    """The share of the rows that are as wide as the first, and its width; nothing where that can't be split."""
    widths = [len(row.cells) for row in rows]
    return (widths.count(widths[0]) / len(widths), widths[0]) if widths and widths[0] > 1 else _UNEVEN


def _titles(rows: Sequence[Row]) -> int:
    """How many rows stand above the header: rows narrower than nearly all that follow."""
    widths = [len(row.cells) for row in rows]
    usual = max(set(widths), key=widths.count, default=0)
    titles = widths.index(usual) if usual > 1 else 0
    if not 0 < titles <= _MOST_TITLES or max(widths[:titles]) > usual:
        return 0
    table, names = widths[titles:], [name.strip() for name in rows[titles].cells]
    named = all(names) and len(set(names)) == len(names) and not any(map(_NUMBER.fullmatch, names))
    even = table.count(table[0]) >= _TABLE_SHARE * len(table)
    return titles if even and named and len(table) >= _FEWEST_TABLE_ROWS else 0


def _lacks_header(rows: Sequence[Row]) -> bool:
    """Whether the first row has numbers where the others have numbers, and else only words that come again."""
    if len(rows) < _FEWEST_TABLE_ROWS:
        return False
    first, *rest = [row.cells for row in rows]
    same = [row for row in rest if len(row) == len(first)]
    if len(first) < 2 or len(same) < _FEWEST_TABLE_ROWS - 1:
        return False
    numeric = [place for place, cell in enumerate(first) if _NUMBER.fullmatch(cell)]
    if not numeric or all(_is_year(first[place]) for place in numeric):
        return False
    below = [{row[place] for row in same} for place in range(len(first))]
    numbers = all(all(not cell or _NUMBER.fullmatch(cell) for cell in below[place]) for place in numeric)
    return numbers and all(first[place] in below[place] for place in range(len(first)) if place not in numeric)


def _is_year(cell: str) -> bool:
    return cell.strip().isdigit() and int(cell) in _YEARS
