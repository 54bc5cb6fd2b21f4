"""What the columns of a table are, by some of its rows; runs in child processes."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

import pyarrow as pa

from shared.contracts.vocabulary import ChosenType
from shared.errors import InvalidInput, Unavailable
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from worker_service.core.columns.column_profile import ColumnHints, describe_column, infer_column, read_column
from worker_service.core.table.frame import Frame

PRELOAD = (
    "worker_service.pipeline.type_inference",
    "worker_service.pipeline.trial_task",
    "worker_service.pipeline.export_task",
    "pandas",
)
"""Modules that the child processes share. Arrow imports pandas, for a second, when it first fills a numpy array."""
INFERENCE_SECONDS = 20.0
MEMORY_BYTES = 512 * 1024**2


@dataclass(frozen=True, kw_only=True)
class InferredType:
    """What a column is."""

    name: str
    type: str
    why: str
    """The evidence for the type, at most two sentences."""


class TypeInference:
    """The inference in child processes, a few at a time."""

    def __init__(self, isolation: Isolation, *, max_children: int = os.cpu_count() or 1) -> None:
        self._isolation = isolation
        self._slots = asyncio.Semaphore(max_children)

    async def infer(self, stream: bytes, types: Mapping[str, str]) -> tuple[InferredType, ...]:
        """Return what the columns of an Arrow IPC stream are.

        Args:
            stream: some rows of the table.
            types: what the uploader says that columns are; the others are recognised.

        Raises:
            InvalidInput: the bytes are no table, or a type does not exist.
            Unavailable: the rows take too much time or memory.
        """
        unknown = [kind for kind in types.values() if kind not in get_args(ChosenType)]
        if unknown:
            raise InvalidInput(f"There is no type {unknown[0][:100]!r}.")
        limits = {"deadline": INFERENCE_SECONDS, "memory_bytes": MEMORY_BYTES}
        async with self._slots:
            try:
                return await self._isolation.run(infer_types, stream, dict(types), **limits)  # type: ignore[arg-type]
            except IsolationError:
                raise Unavailable("The types could not be inferred; please try again.", reason="PROCESS_DIED") from None


def infer_types(stream: bytes, types: Mapping[str, str]) -> tuple[InferredType, ...]:
    """Return what the columns of an Arrow IPC stream are; for a child process.

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
