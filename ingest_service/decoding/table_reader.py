"""What a reader finds in a file, before names are repaired and limits applied."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa


class Parsed(Protocol):
    """A table as a reader finds it: names may be empty or repeat, and nothing but the names need be read yet."""

    @property
    def names(self) -> Sequence[str]:
        """The columns' names as they stand in the file."""

    @property
    def format(self) -> str:
        """`csv`, `json_records`, `json_columns` or `json_lines`."""

    @property
    def delimiter(self) -> str:
        """What stands between two cells; empty where the format has no such thing."""

    @property
    def notes(self) -> Sequence[str]:
        """What people should know about the reading."""

    def count_rows(self) -> int:
        """How many rows there are, without decoding the cells.

        Raises:
            Unprocessable: as `batches`.
        """

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, a batch at a time, columns in the order of the names.

        Raises:
            Unprocessable: a row does not fit; says the line.
        """
