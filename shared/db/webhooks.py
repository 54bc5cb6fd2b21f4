"""Webhooks of runs; a trigger of the database makes each due when its run has ended."""

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
"""Pause after each attempt; a delivery that failed after the last one is given up."""

CLAIM_LEASE = timedelta(seconds=60)
"""A claimed delivery whose sender died is due again after this time."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A webhook that is due, claimed by one sender."""

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
    """Webhook deliveries in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def backlog(self) -> int:
        """Return how many webhooks are due."""
        statement = select(func.count()).select_from(webhooks).where(webhooks.c.due_at <= func.now())
        async with self._database.transaction() as connection:
            return int(await connection.scalar(statement) or 0)

    async def claim(self, *, limit: int, per_owner: int, without: Collection[str] = ()) -> Sequence[Delivery]:
        """Claim deliveries that are due; no other sender gets them until the claim expires.

        Args:
            limit: the most deliveries to claim.
            per_owner: the most deliveries to claim of one owner of datasets; owners take turns.
            without: owners of whom none is claimed.
        """
        rank_in_owner = func.row_number().over(partition_by=datasets.c.user_id, order_by=webhooks.c.due_at)
        ranked = (
            select(webhooks.c.run_id, webhooks.c.due_at, rank_in_owner.label("rank_in_owner"))
            .join(runs, runs.c.id == webhooks.c.run_id)
            .join(datasets, datasets.c.id == runs.c.dataset_id)
            .where(webhooks.c.due_at <= func.now(), datasets.c.user_id.not_in(without))
            .subquery()
        )
        turns = (
            select(ranked.c.run_id)
            .where(ranked.c.rank_in_owner <= per_owner)
            .order_by(ranked.c.rank_in_owner, ranked.c.due_at)
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
            .values(due_at=func.now() + CLAIM_LEASE, attempt=webhooks.c.attempt + 1)
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
        """Record that a delivery was accepted by its receiver."""
        values = {"due_at": None, "delivered_at": func.now(), "error": None}
        await self._record_outcome(delivery, **values)

    async def failed(self, delivery: Delivery, error: str, *, for_good: bool = False) -> bool:
        """Schedule the next attempt after the backoff of this one; False if this was the last, or `for_good`."""
        is_retried = not for_good and delivery.attempt <= len(BACKOFF)
        pause = BACKOFF[delivery.attempt - 1] if is_retried else None
        await self._record_outcome(delivery, due_at=None if pause is None else func.now() + pause, error=error)
        return is_retried

    async def _record_outcome(self, delivery: Delivery, **values: object) -> None:
        # If the run was retried and has ended again meanwhile, its webhook has been reset and must stay as it is.
        statement = update(webhooks).where(
            webhooks.c.run_id == delivery.run_id,
            webhooks.c.attempt == delivery.attempt,
            runs.c.id == webhooks.c.run_id,
            runs.c.finished_at == delivery.finished_at,
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement.values(**values))
