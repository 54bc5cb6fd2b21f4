"""What happened to a run, in order: a row for each change of its state, stage or percentage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from shared.db.datasets import unknown_dataset
from shared.db.runs import RunState
from shared.db.session import Database
from shared.db.tables import run_events, runs

MOST_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """A run as it was at one moment."""

    sequence: int
    """Ascends within a run, with gaps."""
    state: RunState
    stage: str
    percent: int
    created_at: datetime
    queue_position: int | None
    """How many due runs of its queue are before it now; None where it does not wait."""

    @property
    def is_last(self) -> bool:
        """Whether the run has ended."""
        return self.state in ("completed", "failed", "cancelled")


class Events:
    """The events that the database writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, dataset_id: UUID, sequence: int) -> tuple[Sequence[RunEvent], bool]:
        """The events of a dataset's run behind one of them, and whether the run has ended.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.transaction() as connection:
            run = (await connection.execute(select(runs).where(runs.c.dataset_id == dataset_id))).one_or_none()
            if run is None:
                raise unknown_dataset(str(dataset_id))
            rows = select(run_events).where(run_events.c.run_id == run.id, run_events.c.id > sequence)
            found = (await connection.execute(rows.order_by(run_events.c.id).limit(MOST_AT_ONCE))).all()
            position = None
            if run.state == "queued":
                before = select(func.count()).where(
                    runs.c.queue == run.queue, runs.c.state == "queued", runs.c.due_at < run.due_at
                )
                position = await connection.scalar(before)
        events = [
            RunEvent(
                sequence=row.id,
                state=row.state,
                stage=row.stage,
                percent=row.percent,
                created_at=row.created_at,
                queue_position=position if row.state == "queued" else None,
            )
            for row in found
        ]
        return events, run.state in ("completed", "failed", "cancelled")
