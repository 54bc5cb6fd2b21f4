"""Missing patterns: which columns miss values in the same rows."""

from collections.abc import Sequence

import numpy as np

from shared.contracts.charts import MissingPatternsData
from worker_service.core.table.frame import Frame

MOST_COLUMNS = 30
MOST_PATTERNS = 20


def missing_patterns(frame: Frame, names: Sequence[str]) -> MissingPatternsData | None:
    """Return the sets of columns without a value in the same rows; None where no two columns miss values.

    Args:
        frame: the table as read.
        names: its columns.
    """
    columns = sorted((name for name in names if frame[name].missing), key=lambda name: -frame[name].missing)
    columns = columns[:MOST_COLUMNS]
    if len(columns) < 2:
        return None
    keys = np.zeros(frame.rows, np.int64)
    for position, name in enumerate(columns):
        keys |= (~frame[name].present()).astype(np.int64) << position
    patterns, counts = np.unique(keys, return_counts=True)
    order = sorted(range(len(patterns)), key=lambda index: (-counts[index], patterns[index]))
    shown = [index for index in order if patterns[index]][:MOST_PATTERNS]
    complete = int(counts[patterns == 0].sum())
    return MissingPatternsData(
        columns=tuple(columns),
        patterns=tuple(
            tuple(position for position in range(len(columns)) if int(patterns[index]) >> position & 1)
            for index in shown
        ),
        counts=tuple(int(counts[index]) for index in shown),
        complete=complete,
        other=int(frame.rows - complete - counts[shown].sum()),
    )
