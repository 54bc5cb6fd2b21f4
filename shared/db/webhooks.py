"""Who is to be told that a run has ended; the database itself makes each due when it has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from shared.db.session import Database
from shared.db.tables import datasets, runs, webhooks

BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""Pauses after the attempts; when they are used up it is given up."""

CLAIMED_FOR = timedelta(seconds=60)
"""A delivery whose messenger died is taken up again after this long."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Something to tell, claimed by one messenger."""

    run_id: UUID
    dataset_id: UUID
    user_id: str
    url: str
    attempt: int
    state: str
    finished_at: datetime
    error_reason: str | None
    error_detail: str | None


class Webhooks:
    """Deliveries in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, *, limit: int, per_owner: int, without: Collection[str] = ()) -> Sequence[Delivery]:
        """Take deliveries that are due, so that nobody else makes them for a while.

        Owners take turns; at most `per_owner` are taken of each, and none of those in `without`.
        """
        among_own = func.row_number().over(partition_by=datasets.c.user_id, order_by=webhooks.c.due_at)
        waiting = (
            select(webhooks.c.run_id, webhooks.c.due_at, among_own.label("among_own"))
            .join(runs, runs.c.id == webhooks.c.run_id)
            .join(datasets, datasets.c.id == runs.c.dataset_id)
            .where(webhooks.c.due_at <= func.now(), datasets.c.user_id.not_in(without))
            .subquery()
        )
        turns = (
            select(waiting.c.run_id)
            .where(waiting.c.among_own <= per_owner)
            .order_by(waiting.c.among_own, waiting.c.due_at)
            .limit(limit)
        )
        due = (
            select(webhooks.c.run_id)
            .where(webhooks.c.run_id.in_(turns), webhooks.c.due_at <= func.now())
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(webhooks)
            .where(
                webhooks.c.run_id.in_(due.scalar_subquery()),
                runs.c.id == webhooks.c.run_id,
                datasets.c.id == runs.c.dataset_id,
            )
            .values(due_at=func.now() + CLAIMED_FOR, attempt=webhooks.c.attempt + 1)
            .returning(
                webhooks.c.run_id,
                runs.c.dataset_id,
                datasets.c.user_id,
                webhooks.c.url,
                webhooks.c.attempt,
                runs.c.state,
                runs.c.finished_at,
                runs.c.error_reason,
                runs.c.error_detail,
            )
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(statement)).all()
        return [Delivery(**row._mapping) for row in rows if row.finished_at is not None]

    async def delivered(self, delivery: Delivery) -> None:
        """Remember that it was taken."""
        values = {"due_at": None, "delivered_at": func.now(), "error": None}
        await self._settle(delivery, **values)

    async def failed(self, delivery: Delivery, error: str, *, for_good: bool = False) -> bool:
        """Try again after the backoff of this attempt; False when there is none left, or none is wanted."""
        again = not for_good and delivery.attempt <= len(BACKOFF)
        pause = BACKOFF[delivery.attempt - 1] if again else None
        await self._settle(delivery, due_at=None if pause is None else func.now() + pause, error=error)
        return again

    async def _settle(self, delivery: Delivery, **values: object) -> None:
        # A run that was tried again meanwhile, and has ended anew, has begun to count anew.
        statement = update(webhooks).where(
            webhooks.c.run_id == delivery.run_id,
            webhooks.c.attempt == delivery.attempt,
            runs.c.id == webhooks.c.run_id,
            runs.c.finished_at == delivery.finished_at,
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement.values(**values))
