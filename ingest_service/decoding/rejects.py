"""Rows that do not fit the table, kept for people to look at."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MOST_LISTED = 10_000
MOST_CHARACTERS = 2000
SCHEMA = pa.schema([("line", pa.int64()), ("why", pa.string()), ("text", pa.string())])


@dataclass
class Rejects:
    """How many rows were left out; the first of them with their lines, their text, and why."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, line: int, why: str, text: str) -> None:
        """Count a row, and list it unless there are very many."""
        self.count += 1
        if len(self.lines) < MOST_LISTED:
            self.lines.append(line)
            self.whys.append(why)
            self.texts.append(text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…")

    def write(self, path: Path) -> None:
        """As a Parquet file with the columns `line`, `why` and `text`."""
        pq.write_table(pa.table([self.lines, self.whys, self.texts], schema=SCHEMA), path)
