"""The forms that a stored table is downloaded in, and their writer."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from report_service.tables.arrow_table import write_arrow
from report_service.tables.csv_table import BUFFER_BYTES, write_csv
from report_service.tables.json_lines import write_json_lines
from report_service.tables.workbook import LoggedStep, write_workbook
from report_service.tables.written_cells import read_changed_cells, read_written_cells
from shared.contracts.vocabulary import DEFAULT_CHARSET, Charset, TableFormat, TableStyle
from shared.errors import Unavailable


@dataclass(frozen=True, kw_only=True)
class TableForm:
    """How a table is written."""

    format: TableFormat
    style: TableStyle = "typed"
    """How the values of CSV are written."""
    charset: Charset = DEFAULT_CHARSET
    """The encoding of CSV."""
    is_safe: bool = False
    """True if CSV holds nothing that spreadsheets take for a formula."""

    def suffix(self) -> str:
        """Return the end of the name of a file in this form."""
        parts: list[str] = [self.style] if self.style != "typed" else []
        parts += ["safe"] if self.is_safe else []
        parts += [self.charset] if self.charset != DEFAULT_CHARSET else []
        return "".join(f"-{part}" for part in parts) + f".{self.format}"


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
        changes: the list of changes, to write values that were not changed as the uploaded file has them, and to
            mark the changed ones in a workbook.
        steps: what was done, for a workbook.

    Raises:
        InvalidInput: the encoding lacks a character of the table.
        TooLarge: a workbook can't hold the table.
        Unavailable: there is no room for the copy (STORAGE_FULL).
    """
    try:
        with pq.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
            match form.format:
                case "csv":
                    written = {} if changes is None else read_written_cells(changes)
                    iso = form.style == "iso"
                    write_csv(table, target, written=written, iso=iso, safe=form.is_safe, charset=form.charset)
                case "xlsx":
                    marked = {} if changes is None else read_changed_cells(changes)
                    write_workbook(table, target, name=name, marked=marked, changes=changes, steps=steps)
                case "jsonl":
                    write_json_lines(table, target)
                case "arrow":
                    write_arrow(table, target)
                case "parquet":
                    raise ValueError("the table is stored as Parquet")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unavailable("There is no room for a working copy (SCRATCH_DIR).", reason="STORAGE_FULL") from error
