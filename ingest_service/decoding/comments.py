"""Comment lines between the rows of a delimited file."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ingest_service.decoding.csv_rows import LooseRow, read_rows_loosely
from ingest_service.decoding.row_samples import DELIMITERS

_MARK = "#"
_SAMPLE_ROWS = 200
_MIN_ROWS = 2
_MAX_LISTED = 5


def drop_comments(path: Path, delimiter: str | None) -> tuple[Path, tuple[str, ...]]:
    """Blank the lines of a UTF-8 file that begin with `#` and stand between the rows of a table.

    They are comments if the other rows are all in one width and they are not. Comments above the header are left to
    its detection, since the header may be one of them.

    Returns:
        A file with blank lines in their places, and a note; the file itself and no note if there are none.
    """
    with path.open(encoding="utf-8") as file:
        if not any(line.startswith(_MARK) for line in islice(file, 2 * _SAMPLE_ROWS)):
            return path, ()
    for mark in DELIMITERS if delimiter is None else (delimiter,):
        sample = list(islice(read_rows_loosely(path, mark, width=-1, start=0), _SAMPLE_ROWS))
        if _has_comments(sample):
            return _without_comments(path, mark)
    return path, ()


def _is_comment(row: LooseRow) -> bool:
    return row.text.startswith(_MARK)


def _has_comments(rows: Sequence[LooseRow]) -> bool:
    first = next((index for index, row in enumerate(rows) if row.cells and not _is_comment(row)), len(rows))
    below = rows[first:]
    widths = {len(row.cells) for row in below if row.cells and not _is_comment(row)}
    comments = [row for row in below if _is_comment(row)]
    is_even = len(widths) == 1 and widths != {1} and len(below) - len(comments) > _MIN_ROWS
    return is_even and any(len(row.cells) not in widths for row in comments) and 2 * len(comments) < len(below)


def _without_comments(path: Path, delimiter: str) -> tuple[Path, tuple[str, ...]]:
    kept = path.with_name(f"{path.name}.bare")
    lines: list[int] = []
    began = False
    with kept.open("w", encoding="utf-8", newline="") as target:
        for row in read_rows_loosely(path, delimiter, width=-1, start=0):
            began = began or (bool(row.cells) and not _is_comment(row))
            if began and _is_comment(row):
                lines.append(row.line)
                target.write("\n")
            else:
                target.write(row.text)
    listed = ", ".join(f"{line:,}" for line in lines[:_MAX_LISTED])
    more = f" and {len(lines) - _MAX_LISTED:,} more" if len(lines) > _MAX_LISTED else ""
    were = "1 comment line was" if len(lines) == 1 else f"{len(lines):,} comment lines were"
    return kept, (f"{were} left out, which begin with {_MARK}: line {listed}{more}.",)
