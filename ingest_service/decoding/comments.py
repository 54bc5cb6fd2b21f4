"""Comment lines between the rows of a delimited file."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ingest_service.decoding.csv_rows import LooseRow, read_rows_loosely
from ingest_service.decoding.row_samples import DELIMITERS

_MARK = "#"
_SAMPLE_ROWS = 200
_MIN_ROWS = 2
_MAX_LISTED = 5
_ERROR = re.compile(r"#(?:N/A|NV|REF!|BEZUG!|DIV/0!|WERT!|VALUE!|NAME\?|NUM!|ZAHL!|NULL!)")
"""The errors that spreadsheets write into cells."""


def drop_comments(path: Path, delimiter: str | None) -> tuple[Path, tuple[str, ...], frozenset[int]]:
    """Blank the lines of a UTF-8 file that begin with `#` and stand between the rows of a table.

    They are comments if the other rows are all in one width and they are not, or have a space behind the mark. Comments
    above the header are left to its detection, since the header may be one of them.

    Returns:
        A file with blank lines in their places, a note, and the lines; the file itself and no note if there are none.
    """
    with path.open(encoding="utf-8") as file:
        if not any(line.startswith(_MARK) for line in islice(file, 2 * _SAMPLE_ROWS)):
            return path, (), frozenset()
    for mark in DELIMITERS if delimiter is None else (delimiter,):
        sample = list(islice(read_rows_loosely(path, mark, width=-1, start=0), _SAMPLE_ROWS))
        width = _usual_width(sample)
        if width is not None:
            return _without_comments(path, mark, width)
    return path, (), frozenset()


def _is_comment(row: LooseRow, width: int) -> bool:
    is_marked = row.text.startswith(_MARK) and _ERROR.match(row.text) is None
    return is_marked and (len(row.cells) != width or row.text.startswith(f"{_MARK} "))


def _usual_width(rows: Sequence[LooseRow]) -> int | None:
    """Return the width of the rows, if all but some comments between them are in one; else None."""
    first = next((index for index, row in enumerate(rows) if row.cells and not row.text.startswith(_MARK)), len(rows))
    below = [row for row in rows[first:] if row.cells]
    widths = Counter(len(row.cells) for row in below).most_common(1)
    if not widths or widths[0][0] < 2:
        return None
    width = widths[0][0]
    comments = [row for row in below if _is_comment(row, width)]
    is_even = all(len(row.cells) == width for row in below if not _is_comment(row, width))
    is_few = 2 * len(comments) < len(below) and len(below) - len(comments) > _MIN_ROWS
    return width if is_even and is_few and comments else None


def _without_comments(path: Path, delimiter: str, width: int) -> tuple[Path, tuple[str, ...], frozenset[int]]:
    kept = path.with_name(f"{path.name}.bare")
    lines: list[int] = []
    began = False
    with kept.open("w", encoding="utf-8", newline="") as target:
        for row in read_rows_loosely(path, delimiter, width=-1, start=0):
            began = began or (bool(row.cells) and not row.text.startswith(_MARK))
            if began and _is_comment(row, width):
                lines.append(row.line)
                target.write("\n")
            else:
                target.write(row.text)
    listed = ", ".join(f"{line:,}" for line in lines[:_MAX_LISTED])
    more = f" and {len(lines) - _MAX_LISTED:,} more" if len(lines) > _MAX_LISTED else ""
    were = "1 comment line was" if len(lines) == 1 else f"{len(lines):,} comment lines were"
    return kept, (f"{were} left out, which begin with {_MARK}: line {listed}{more}.",), frozenset(lines)
