"""Notification of PipelineService about due runs, in the background."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from shared.errors import ServiceError
from shared.logs import get_logger

NotifyDue = Callable[[UUID], Awaitable[None]]
"""A function that asks PipelineService to deliver a run now."""

_log = get_logger("ingest")


class DueNotifier:
    """A notifier whose failures are only logged, because the reconciler finds due runs anyway."""

    def __init__(self, notify: NotifyDue) -> None:
        self._notify = notify
        self._tasks: set[asyncio.Task[None]] = set()

    def notify_soon(self, run_id: UUID) -> None:
        """Start a background task that notifies PipelineService."""
        task = asyncio.create_task(self._try_notify(run_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try_notify(self, run_id: UUID) -> None:
        try:
            await self._notify(run_id)
        except ServiceError as error:
            # The reconciler finds the run anyway, some seconds later.
            _log.warning("run starts later", run_id=str(run_id), reason=error.reason)
