"""Rejected rows: rows of a file that do not fit its table, kept for inspection."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MAX_LISTED_ROWS = 10_000
MAX_TEXT_CHARACTERS = 2000
SCHEMA = pa.schema([("line", pa.int64()), ("why", pa.string()), ("text", pa.string())])


@dataclass
class Rejects:
    """The number of rejected rows, with line, reason and text of the first of them."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, line: int, reason: str, text: str) -> None:
        """Count a row, and list it unless the list is full."""
        self.count += 1
        if len(self.lines) < MAX_LISTED_ROWS:
            self.lines.append(line)
            self.reasons.append(reason)
            self.texts.append(text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…")

    def write(self, path: Path) -> None:
        """Write a Parquet file with the columns `line`, `why` and `text`."""
        pq.write_table(pa.table([self.lines, self.reasons, self.texts], schema=SCHEMA), path)
