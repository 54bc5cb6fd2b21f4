"""What the columns of a table are; in child processes."""

from collections.abc import Mapping
from typing import cast

import pyarrow as pa

from shared.contracts.vocabulary import ChosenType
from shared.errors import InvalidInput
from worker_service.core.columns.column_profile import ColumnHints, describe_column, infer_column, read_column
from worker_service.core.table.frame import Frame
from worker_service.pipeline.type_inference import InferredType


def infer_types(stream: bytes, types: Mapping[str, str]) -> tuple[InferredType, ...]:
    """Return what the columns of an Arrow IPC stream are.

    Raises:
        InvalidInput: the bytes are no table.
    """
    try:
        with pa.ipc.open_stream(stream) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if len(set(table.column_names)) < table.num_columns:
            raise ValueError("two columns have the same name")
        frame = Frame.from_table(table)
    except (ValueError, TypeError, OverflowError, OSError, NotImplementedError):
        # Arrow's own errors are kinds of these.
        raise InvalidInput("The bytes are no Arrow IPC stream of a flat table.", reason="UNREADABLE_TABLE") from None
    inferred = []
    for position, name in enumerate(frame.names, start=1):
        hints = ColumnHints(type=cast(ChosenType | None, types.get(name)))
        inference = infer_column(frame[name], hints)
        column = describe_column(name, position, read_column(frame[name], inference), inference, hints)
        inferred.append(InferredType(name=name, type=column.type, why=column.why))
    return tuple(inferred)
