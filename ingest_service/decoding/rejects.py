"""Rejected rows: rows of a file that do not fit its table, kept for inspection."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.rejects import MAX_LISTED_ROWS, REJECTS_SCHEMA, shorten


@dataclass
class Rejects:
    """The numbers of rejected and of mended rows, with line, reason and text of the first of them."""

    count: int = 0
    """Rejected rows."""
    mended: int = 0
    """Rows that are in the table, but not as they were in the file."""
    lines: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    are_mended: list[bool] = field(default_factory=list)

    def add(self, line: int, reason: str, text: str) -> None:
        """Count a rejected row, and list it unless the list is full."""
        self.count += 1
        self._list(line, reason, text, is_mended=False)

    def add_mended(self, line: int, reason: str, text: str) -> None:
        """Count a mended row, and list it unless the list is full."""
        self.mended += 1
        self._list(line, reason, text, is_mended=True)

    def _list(self, line: int, reason: str, text: str, *, is_mended: bool) -> None:
        if len(self.lines) < MAX_LISTED_ROWS:
            self.are_mended.append(is_mended)
            self.lines.append(line)
            self.reasons.append(reason)
            self.texts.append(shorten(text))

    def write(self, path: Path) -> None:
        """Write a Parquet file with the columns `line`, `why`, `text` and `is_mended`."""
        pq.write_table(pa.table([self.lines, self.reasons, self.texts, self.are_mended], schema=REJECTS_SCHEMA), path)
