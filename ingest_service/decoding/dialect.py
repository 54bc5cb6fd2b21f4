"""Delimited text in other dialects than the usual one, rewritten in it: single quotes, backslashes, columns of spaces.

A dialect is only recognised where the usual one can't be: a path such as `C:\\temp` or a name such as `O'Brien` stays.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 1 << 20
_FEWEST_LINES = 3
_FEWEST_SPACED = 5
_QUOTED_SHARE = 0.9
_ESCAPED = re.compile(r'\\(["\\])')
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_Rewrite = Callable[[Iterable[str]], Iterator[str]]


def in_usual_dialect(path: Path, delimiter: str | None) -> tuple[Path, tuple[str, ...]]:
    """The UTF-8 file in the usual dialect, with what was found if it had to be rewritten; else the file itself."""
    with path.open(encoding="utf-8", newline="") as file:
        head = file.read(_SAMPLE_CHARACTERS)
        sample = list(islice(io.StringIO(head, newline=""), _SAMPLE_LINES))
        if len(head) == _SAMPLE_CHARACTERS and len(sample) < _SAMPLE_LINES:
            sample = sample[:-1]
        found = _recognise(sample, _DELIMITERS if delimiter is None else (delimiter,))
        if found is None or len(sample) < _FEWEST_LINES:
            return path, ()
        rewrite, note = found
        usual = path.with_name(f"{path.name}.usual")
        file.seek(0)
        with usual.open("w", encoding="utf-8", newline="") as target:
            target.writelines(rewrite(file))
    return usual, (note,)


def _recognise(lines: Sequence[str], delimiters: Sequence[str]) -> tuple[_Rewrite, str] | None:
    usual = any(_is_even(lines, delimiter) for delimiter in delimiters)
    for delimiter in delimiters:
        if _quotes_single(lines, delimiter):
            return _from_single_quotes(delimiter), "Cells stand in single quotes."
        if not usual and _is_even(list(_unescaped(lines, delimiter)), delimiter):
            return lambda text, d=delimiter: _unescaped(text, d), "Quotes within cells are marked by a backslash."
    if not usual and len(delimiters) > 1 and _is_spaced(lines):
        return _from_spaces, "Columns are parted by spaces."
    return None


def _is_even(lines: Sequence[str], delimiter: str, quote: str = '"') -> bool:
    """Whether all rows but one that may be cut off have the same number of cells, more than one, and sound quotes."""
    widths: list[int] = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True):
            widths += [len(cells)] if cells else []
    except csv.Error as error:
        if "unexpected end" not in str(error):
            return False
    return len(widths) >= _FEWEST_LINES and len(set(widths)) == 1 and widths[0] > 1


def _quotes_single(lines: Sequence[str], delimiter: str) -> bool:
    """Whether nearly all values of some column begin and end with a single quote, and none is torn by it."""
    if not any("'" in line for line in lines) or not _is_even(lines, delimiter, "'"):
        return False
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    columns = list(zip(*(row for row in rows if len(row) == len(rows[0])), strict=True))
    return any(_quoted_share(cells) >= _QUOTED_SHARE for cells in columns) if columns else False


def _quoted_share(cells: Sequence[str]) -> float:
    filled = [cell for cell in cells[1:] if cell]
    quoted = [cell for cell in filled if len(cell) > 1 and cell[0] == cell[-1] == "'"]
    return len(quoted) / len(filled) if len(filled) >= _FEWEST_LINES - 1 else 0.0


def _from_single_quotes(delimiter: str) -> _Rewrite:
    def rewrite(lines: Iterable[str]) -> Iterator[str]:
        writer = csv.writer(_Echo(), delimiter=delimiter, lineterminator="\n")
        for cells in csv.reader(lines, delimiter=delimiter, quotechar="'"):
            yield writer.writerow(cells)

    return rewrite


def _unescaped(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    r"""`\"` as two quotes, two backslashes as one, and `\N` that is a whole cell as nothing."""
    d = re.escape(delimiter)
    nothing = re.compile(rf"(^|(?<={d}))\\N(?={d}|[\r\n]*$)")
    for line in lines:
        yield _ESCAPED.sub(lambda found: '""' if found[1] == '"' else found[1], nothing.sub("", line))


def _is_spaced(lines: Sequence[str]) -> bool:
    """Whether runs of spaces part every line into as many cells, half of them numbers below the first line."""
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) < _FEWEST_SPACED or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return False
    cells = [cell for row in rows[1:] for cell in row]
    return 2 * sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= len(cells)


def _from_spaces(lines: Iterable[str]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    for line in lines:
        yield writer.writerow(line.split())


class _Echo:
    """A file that hands back what is written, for `csv.writer`."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text
