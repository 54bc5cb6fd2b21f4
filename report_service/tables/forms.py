"""The forms that a stored table is downloaded in, and their writer."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from report_service.table_form import LoggedStep, TableForm
from report_service.tables.arrow_table import write_arrow
from report_service.tables.csv_table import BUFFER_BYTES, write_csv
from report_service.tables.json_lines import write_json_lines
from report_service.tables.row_ids import add_row_ids
from report_service.tables.workbook import write_workbook
from report_service.tables.written_cells import read_changed_cells, read_written_cells
from shared.errors import Unavailable


def write_table(
    source: Path,
    target: Path,
    form: TableForm,
    *,
    name: str,
    changes: Path | None = None,
    steps: Sequence[LoggedStep] = (),
) -> None:
    """Write a Parquet file in another form; memory does not grow with the table.

    Args:
        source: the Parquet file.
        target: the file to write.
        form: how it is written.
        name: what the table is called.
        changes: the list of changes, to write values that were not changed as the uploaded file has them, to mark the
            changed ones in a workbook, and to number the rows.
        steps: what was done, for a workbook.

    Raises:
        InvalidInput: the encoding lacks a character of the table.
        TooLarge: a workbook can't hold the table.
        Unavailable: there is no room for the copy (STORAGE_FULL).
    """
    try:
        if form.has_row_ids and changes is not None:
            numbered = target.with_name("numbered.parquet")
            add_row_ids(source, numbered, changes)
            source = numbered
        with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
            match form.format:
                case "csv":
                    has_style = changes is not None and form.style == "as_written"
                    written = read_written_cells(changes, table) if changes is not None and has_style else {}
                    iso = form.style == "iso"
                    write_csv(table, target, written=written, iso=iso, safe=form.is_safe, charset=form.charset)
                case "xlsx":
                    ledger = changes if name == "cleaned" else None
                    marked = {} if ledger is None else read_changed_cells(ledger)
                    write_workbook(table, target, name=name, marked=marked, changes=ledger, steps=steps)
                case "jsonl":
                    write_json_lines(table, target)
                case "arrow":
                    write_arrow(table, target)
                case "parquet":
                    source.replace(target)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unavailable("There is no room for a working copy (SCRATCH_DIR).", reason="STORAGE_FULL") from error
