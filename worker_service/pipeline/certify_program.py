"""The program of the child process that makes a utility certificate."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from shared.contracts.run_options import RunOptions

SAMPLED_ROWS = 4000
"""Rows of a large table that are looked at for rows with a known target."""
_SEED = 20_240_105


def certify_table(table: Path, options: RunOptions, recipe: str, hash_key: bytes | None) -> dict[str, Any] | None:
    """Return the certificate of a preparation as plain values; None if it has no target that can be predicted.

    Args:
        table: the decoded table as an Arrow IPC file.
        options: what the uploader chose.
        recipe: the published recipe as JSON.
        hash_key: the secret of the dataset's owner, if the options need it.
    """
    # Models take a second to import, and few processes of this service ever need them.
    from worker_service.core.recipe.recipe import Recipe
    from worker_service.core.table.frame import Frame
    from worker_service.planner.certificate import certify, to_json

    frame = Frame.from_table(_read_sample(table))
    certificate = certify(frame, options, Recipe.model_validate_json(recipe), hash_key=hash_key)
    return None if certificate is None else to_json(certificate)


def _read_sample(path: Path) -> pa.Table:
    """Return rows of a table in their order, batch by batch, so that memory holds no more than one of these."""
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        sizes = [reader.get_batch(index).num_rows for index in range(reader.num_record_batches)]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        total = int(starts[-1])
        chosen = np.random.default_rng(_SEED).permutation(total)[:SAMPLED_ROWS] if total > SAMPLED_ROWS else None
        rows = np.arange(total) if chosen is None else np.sort(chosen)
        parts = []
        for index, (start, end) in enumerate(pairwise(starts)):
            inside = rows[(rows >= start) & (rows < end)] - start
            parts.append(reader.get_batch(index).take(pa.array(inside, pa.int64())))
        return pa.Table.from_batches(parts, reader.schema)
