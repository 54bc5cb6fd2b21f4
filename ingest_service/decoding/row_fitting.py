"""The rows of a delimited file that fit its table, or can be mended so that they do; all others are rejected."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from ingest_service.decoding.csv_rows import LooseRow, csv_writer, read_rows_loosely
from ingest_service.decoding.csv_table import CsvTable, field_count_mismatch, find_end
from ingest_service.decoding.rejects import Rejects
from ingest_service.decoding.row_mending import Mended, RowMender
from shared.errors import Unprocessable

_STRAY_QUOTE = "a quote that is never closed"
_SAMPLE_ROWS = 500


def fit_rows(
    table: CsvTable, *, max_rows: int, non_data: Mapping[int, str] | None = None, error: Unprocessable | None = None
) -> tuple[CsvTable, Rejects]:
    """Return the table of the rows that fit the header as they are or mended, and the rows that were odd.

    Args:
        table: the file, whose header has been read.
        max_rows: the most rows that a table may have; no more than one beyond is taken over, or rejected at first.
        non_data: the reason of each row to reject, by its index among the rows that fit.
        error: the error to raise if most rows do not fit; None to accept any number of rejected rows.

    Raises:
        Unprocessable: the given error.
    """
    mender = _learn(table)
    fitting, accepted, rejects = 0, 0, Rejects()
    path = table.path.with_name(f"{table.path.name}.kept")
    with table.path.open("rb") as file, path.open("w", encoding="utf-8", newline="") as target:
        target.write(file.read(table.start).decode())
        for row in _body_rows(table):
            mended, reason = _fit(row, table, mender)
            if reason is None and _is_data_row(row, table):
                reason = (non_data or {}).get(fitting)
                fitting += 1
                accepted += reason is None
            if reason is None:
                target.write(_line(mended.cells, table.delimiter) if mended else row.text)
                if mended:
                    rejects.add_mended(row.line, mended.why, row.text.rstrip("\r\n"))
                if accepted > max_rows:
                    break
                continue
            if error is not None and rejects.count > max_rows and rejects.count >= accepted:
                raise error
            rejects.add(row.line, reason, row.text.rstrip("\r\n"))
    if error is not None and rejects.count >= accepted:
        raise error
    return replace(table, path=path, end=find_end(path, table.start), is_cut=accepted > max_rows), rejects


def _learn(table: CsvTable) -> RowMender:
    """Return what mends rows, by the first rows that need no mending."""
    width = len(table.names)
    fitting = (row.cells for row in _body_rows(table) if len(row.cells) == width and not row.has_stray_quote)
    return RowMender(width, table.delimiter, list(islice(fitting, _SAMPLE_ROWS)))


def _body_rows(table: CsvTable) -> Iterator[LooseRow]:
    return read_rows_loosely(table.path, table.delimiter, width=len(table.names), start=table.start)


def _fit(row: LooseRow, table: CsvTable, mender: RowMender) -> tuple[Mended | None, str | None]:
    """Return how a row was mended, if it was, and the reason to reject it, if it does not fit."""
    if not row.has_stray_quote and (not row.cells or len(row.cells) == len(table.names)):
        return None, None
    mended = mender.unquote(row.text) if row.has_stray_quote else mender.mend(row.cells, row.text)
    if mended is not None:
        return mended, None
    mismatch = _STRAY_QUOTE if row.has_stray_quote else field_count_mismatch(len(row.cells), len(table.names))
    return None, mismatch


def _is_data_row(row: LooseRow, table: CsvTable) -> bool:
    return bool(row.cells) or len(table.names) == 1


def _line(cells: list[str], delimiter: str) -> str:
    file = io.StringIO()
    csv_writer(file, delimiter).writerow(cells)
    return file.getvalue()
