"""Conversion of delimited text in other dialects to the standard CSV dialect.

The other dialects have single quotes, backslashes before quotes, or columns of spaces. They are only detected where the
standard dialect does not fit: a path such as `C:/temp` or a name such as `O'Brien` stays as it is.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from ingest_service.decoding.csv_rows import csv_reader, csv_writer

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 1 << 20
_MIN_LINES = 3
_MIN_SPACED_LINES = 5
_MIN_QUOTED_SHARE = 0.9
_MIN_REGULAR_SHARE = 0.8
_ESCAPED = re.compile(r'[\\\x00](["\\])')
_SPACES = re.compile(r"(?<=\S) +(?=\S)")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_Rewrite = Callable[[Iterable[str]], Iterator[str]]


def to_standard_dialect(path: Path, delimiter: str | None) -> tuple[Path, tuple[str, ...]]:
    """Rewrite a UTF-8 file in the standard dialect, if it uses another one.

    Returns:
        The rewritten file and a note about its dialect; the file itself and no note if nothing had to be rewritten.
    """
    with path.open(encoding="utf-8", newline="") as file:
        head = file.read(_SAMPLE_CHARACTERS)
        sample = list(islice(io.StringIO(head, newline=""), _SAMPLE_LINES))
        if len(head) == _SAMPLE_CHARACTERS and len(sample) < _SAMPLE_LINES:
            sample = sample[:-1]
        dialect = _detect_dialect(sample, _DELIMITERS if delimiter is None else (delimiter,))
        if dialect is None or len(sample) < _MIN_LINES:
            return path, ()
        rewrite, note = dialect
        rewritten = path.with_name(f"{path.name}.usual")
        file.seek(0)
        with rewritten.open("w", encoding="utf-8", newline="") as target:
            target.writelines(rewrite(file))
    return rewritten, (note,)


def _detect_dialect(lines: Sequence[str], delimiters: Sequence[str]) -> tuple[_Rewrite, str] | None:
    is_standard = any(_is_regular(lines, delimiter) for delimiter in delimiters)
    for delimiter in delimiters:
        if _has_single_quotes(lines, delimiter):
            return _single_quote_rewriter(delimiter), "Cells stand in single quotes."
        if _has_spaces_before_quotes(lines, delimiter, is_standard=is_standard):
            if _is_regular(lines, delimiter, skip_spaces=True):
                return partial(_skip_spaces, delimiter=delimiter), "Spaces stand before the cells."
            if _is_regular(list(_unescape_lines(lines, delimiter)), delimiter, skip_spaces=True):
                note = "Spaces stand before the cells, and quotes within them are marked by a backslash."
                return partial(_unescape_and_skip_spaces, delimiter=delimiter), note
        if not is_standard and _is_regular(list(_unescape_lines(lines, delimiter)), delimiter):
            rewrite = partial(_unescape_lines, delimiter=delimiter)
            return rewrite, "Quotes within cells are marked by a backslash."
    is_parted = any(_is_mostly_regular(lines, delimiter) for delimiter in delimiters)
    if not is_parted and len(delimiters) > 1 and _has_space_columns(lines):
        return _rewrite_space_columns, "Columns are parted by spaces."
    return None


def _is_regular(lines: Sequence[str], delimiter: str, quote: str = '"', *, skip_spaces: bool = False) -> bool:
    """Return True if all rows have the same number of cells, more than one, and correct quotes.

    The last row is left out if the sample cuts it off inside quotes.
    """
    widths: list[int] = []
    try:
        reader = csv_reader(lines, delimiter, quotechar=quote, strict=True, skipinitialspace=skip_spaces)
        for cells in reader:
            widths += [len(cells)] if cells else []
    except csv.Error as error:
        if "unexpected end" not in str(error):
            return False
    return len(widths) >= _MIN_LINES and len(set(widths)) == 1 and widths[0] > 1


def _is_mostly_regular(lines: Sequence[str], delimiter: str) -> bool:
    """Return True if nearly all rows have the same number of cells, more than one."""
    widths = [len(cells) for cells in csv_reader(lines, delimiter) if cells]
    usual = max(set(widths), key=widths.count, default=0)
    return usual > 1 and widths.count(usual) >= _MIN_REGULAR_SHARE * len(widths)


def _has_single_quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Return True if nearly all values of some column stand in single quotes.

    The rows also have to be regular if they are parsed with single quotes.
    """
    if not any("'" in line for line in lines) or not _is_regular(lines, delimiter, "'"):
        return False
    rows = [row for row in csv_reader(lines, delimiter) if row]
    columns = list(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True))
    return any(_quoted_share(cells) >= _MIN_QUOTED_SHARE for cells in columns) if columns else False


def _quoted_share(cells: Sequence[str]) -> float:
    filled = [cell for cell in cells[1:] if cell]
    quoted = [cell for cell in filled if len(cell) > 1 and cell[0] == cell[-1] == "'"]
    return len(quoted) / len(filled) if len(filled) >= _MIN_LINES - 1 else 0.0


def _has_spaces_before_quotes(lines: Sequence[str], delimiter: str, *, is_standard: bool) -> bool:
    """Return True if spaces stand before quotes in half of the lines, or in any line of a file that fits no dialect."""
    pattern = re.compile(rf'{re.escape(delimiter)} +"')
    count = sum(pattern.search(line) is not None for line in lines)
    return 2 * count >= len(lines) or (count > 0 and not is_standard)


def _skip_spaces(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    writer = csv_writer(_EchoFile(), delimiter)
    for cells in csv_reader(lines, delimiter, skipinitialspace=True):
        yield writer.writerow(cells)


def _unescape_and_skip_spaces(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    return _skip_spaces(_unescape_lines(lines, delimiter), delimiter)


def _single_quote_rewriter(delimiter: str) -> _Rewrite:
    def rewrite(lines: Iterable[str]) -> Iterator[str]:
        writer = csv_writer(_EchoFile(), delimiter)
        for cells in csv_reader(lines, delimiter, quotechar="'"):
            yield writer.writerow(cells)

    return rewrite


def _unescape_lines(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    r"""Rewrite `\"` as two quotes, two backslashes as one, and a cell `\N` as an empty cell."""
    escaped = re.escape(delimiter)
    null_cell = re.compile(rf"(^|(?<={escaped}))\\N(?={escaped}|[\r\n]*$)")
    for line in lines:
        yield _ESCAPED.sub(lambda match: '""' if match[1] == '"' else match[1], null_cell.sub("", line))


def _has_space_columns(lines: Sequence[str]) -> bool:
    """Return True if spaces split every line into equally many cells, half of them numbers.

    The first line may be a header, so only the cells of the other lines are checked for numbers.
    """
    rows = [_split_at_spaces(line.replace("\t", " ")) for line in lines if line.strip()]
    if len(rows) < _MIN_SPACED_LINES or len(rows[1]) < 2 or len({len(row) for row in rows[1:]}) > 1:
        return False
    if len(rows[0]) == len(rows[1]) > 2 and _are_aligned(lines):
        return True
    # The header of a table that R has written lacks a name for the names of the rows.
    if len(rows[0]) not in (len(rows[1]), len(rows[1]) - 1):
        return False
    cells = [cell for row in rows[1:] for cell in row]
    return 2 * sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= len(cells)


def _are_aligned(lines: Sequence[str]) -> bool:
    """Return True if the cells of all lines begin at the same places, two spaces at least behind the ones before."""
    filled = [line.rstrip() for line in lines if line.strip()]
    starts = {tuple(match.end() for match in _SPACES.finditer(line)) for line in filled}
    return len(starts) == 1 and len(next(iter(starts))) > 1 and not any("\t" in line for line in filled)


def _split_at_spaces(line: str) -> list[str]:
    """Return the cells of a line between runs of spaces; quotes keep the spaces within a cell."""
    cells = next(csv_reader([line.strip()], " ", skipinitialspace=True), [])
    return [cell for cell in cells if cell]


def _rewrite_space_columns(lines: Iterable[str]) -> Iterator[str]:
    writer = csv_writer(_EchoFile())
    header: list[str] | None = None
    for line in lines:
        cells = _split_at_spaces(line.replace("\t", " "))
        if header is None:
            header = cells
            continue
        if header:
            yield writer.writerow([""] * (len(cells) - len(header)) + header)
            header = []
        yield writer.writerow(cells)


class _EchoFile:
    """A file whose `write` returns the text, so that `csv.writer` returns each line."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text
