"""What the columns of a table are, by some of its rows; runs in child processes."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from shared.contracts.vocabulary import ChosenType
from shared.errors import InvalidInput, Unavailable
from shared.isolation.child_task import ChildTask
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError

PRELOAD = (
    "worker_service.pipeline.type_inference_program",
    "worker_service.pipeline.trial_program",
    "worker_service.pipeline.export_program",
    # What proposes recipes: a person waits for dry runs.
    "worker_service.planner.privacy",
    "worker_service.planner.propose",
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


_infer_types: Callable[..., tuple[InferredType, ...]] = ChildTask(
    "worker_service.pipeline.type_inference_program", "infer_types"
)


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
                return await self._isolation.run(_infer_types, stream, dict(types), **limits)  # type: ignore[arg-type]
            except IsolationError:
                raise Unavailable("The types could not be inferred; please try again.", reason="PROCESS_DIED") from None
