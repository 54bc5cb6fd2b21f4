"""Interface of the table readers, before names are repaired and limits are applied."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa


class TableReader(Protocol):
    """A table in a file, of which only the names have to be read at first.

    Names may be empty or repeated.
    """

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns as they are in the file."""

    @property
    def format(self) -> str:
        """The format of the file, such as `csv`, `json_records`, `json_lines`, `parquet` or `xlsx`."""

    @property
    def delimiter(self) -> str:
        """The character between two cells; empty if the format has no delimiter."""

    @property
    def notes(self) -> Sequence[str]:
        """Notes for people about the way the file was read."""

    @property
    def is_cut(self) -> bool:
        """True if the rows far beyond the limit are left out, so that their number is not known."""

    def count_rows(self) -> int:
        """Return the number of rows, without decoding the cells.

        Raises:
            Unprocessable: a row does not fit; the error names the line.
        """

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches, with the columns in the order of the names.

        Raises:
            Unprocessable: a row does not fit; the error names the line.
        """
