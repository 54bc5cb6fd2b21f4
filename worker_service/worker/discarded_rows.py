"""The rows that a contract discarded, as they are listed among the rejects of a dataset."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.column_names import match_name
from shared.contracts.rejects import MAX_LISTED_ROWS, REJECTS_SCHEMA, shorten
from worker_service.core.humanize import quoted
from worker_service.core.recipe.apply import Discard
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame


def write_discarded_rows(discards: Sequence[Discard], decoded: Frame, path: Path, *, earlier: Path | None) -> None:
    """Write the first of the rows to a Parquet file with the columns of the rejects, after the earlier ones.

    Their `line` is 0, because that in the file is not known; `why` names the row of the decoded table.
    """
    rows = np.unique(np.concatenate([each.rows for each in discards]))[:MAX_LISTED_ROWS]
    texts = render_table(decoded.to_table().take(pa.array(rows))).to_pylist()
    reasons: list[list[str]] = [[] for _ in rows]
    for each in discards:
        # The recipe may write the name of the column in other letter case.
        name = match_name(each.column, decoded.names) or each.column
        for position in np.flatnonzero(np.isin(rows, each.rows)):
            cell = texts[position].get(name)
            holds = "has no value" if cell is None else f"holds {quoted(cell)}"
            reasons[position].append(f"{quoted(each.column)} {holds}, {each.expectation}")
    whys = [f"row {row + 1:,}: {'; '.join(why)}" for row, why in zip(rows.tolist(), reasons, strict=True)]
    lines = [shorten(_as_csv(text.values())) for text in texts]
    columns = [[0] * len(rows), whys, lines, [False] * len(rows)]
    discarded = pa.table([pa.array(column) for column in columns], schema=REJECTS_SCHEMA)
    parts = [discarded] if earlier is None else [pq.read_table(earlier), discarded]
    pq.write_table(pa.concat_tables(parts), path)


def _as_csv(cells: object) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)  # type: ignore[arg-type]
    return line.getvalue()
