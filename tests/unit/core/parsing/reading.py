"""How a column of text is read, for the tests of parsing."""

from typing import Any

import pyarrow as pa

from worker_service.core.parsing import Inference, infer, read
from worker_service.core.table.frame import Column


def inferred(*cells: str | None) -> Inference:
    """Return what a column of these cells is inferred to be."""
    return Column(pa.array(cells, pa.string())).derive(infer)


def values(*cells: str | None) -> list[Any]:
    """Return these cells as they are read."""
    column = Column(pa.array(cells, pa.string()))
    spec = column.derive(infer).read_as
    result: list[Any] = (column if spec is None else column.derive(read, spec).column).array.to_pylist()
    return result
