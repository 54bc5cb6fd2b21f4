"""Handing runs to workers and telling how they fare."""

from uuid import UUID

from shared.db.runs import QueueLoad, RunRecord, Runs
from shared.queue import RunQueue


class Pipeline:
    """The use cases of PipelineService."""

    def __init__(self, *, runs: Runs, queue: RunQueue) -> None:
        self._runs = runs
        self._queue = queue

    async def start_run(self, run_id: UUID) -> RunRecord:
        """Deliver a run that waits for a worker; a run that does not is left alone.

        Raises:
            Unavailable: Redis does not answer; the reconciler will deliver the run when it does.
        """
        run = await self._runs.get(run_id)
        if run.state == "queued":
            await self._queue.enqueue(run.queue, run_id)
        return run

    async def get_run(self, run_id: UUID) -> RunRecord:
        """One run."""
        return await self._runs.get(run_id)

    async def queue_loads(self) -> dict[str, QueueLoad]:
        """How much work each queue holds."""
        return await self._runs.load()
