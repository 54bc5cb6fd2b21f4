"""Which rows of the uploaded table the cleaned one has, as its ledger says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from shared.contracts.artifacts import DECODED_METADATA


def kept_rows(changes: Path) -> npt.NDArray[np.int64] | None:
    """Return the rows of the uploaded table that the cleaned one has, from 0; None for a list of an earlier version."""
    decoded = read_decoded(changes)
    return None if decoded is None else rows_of(decoded)


def read_decoded(changes: Path) -> dict[str, Any] | None:
    """Return what rebuilds the uploaded table; None for a list of changes of an earlier version."""
    schema = pq.read_schema(changes)
    if "kind" not in schema.names or DECODED_METADATA not in (schema.metadata or {}):
        return None
    decoded: dict[str, Any] = json.loads(schema.metadata[DECODED_METADATA])
    return decoded


def rows_of(decoded: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """Return the rows that are left of a decoded table, from 0."""
    return np.setdiff1d(np.arange(decoded["rows"]), np.asarray(decoded["removed"], np.int64), assume_unique=True)
